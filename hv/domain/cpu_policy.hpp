/// What CPUID may say to a domain's guests, and to any: what a toolstack saves, levels and sets before a domain runs.
/// Source: public/domctl.h, xen_domctl_cpu_policy; public/arch-x86/xen.h, xen_cpuid_leaf.
#pragma once

#include <array>
#include <cstdint>

#include "hv/base/error.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

struct CpuidAnswer {
  uint32_t eax, ebx, ecx, edx;
};

constexpr uint32_t kBasicMax = 0xd;
constexpr uint32_t kExtendedFirst = 0x8000'0000;
/// As far as processors of this family go, so that their guests can come here; most of these leaves say nothing.
constexpr uint32_t kExtendedMax = 0x8000'001e;

/// Leaves with subleaves have none that says anything here: subleaf 0 stands for all of them.
struct CpuPolicy {
  std::array<CpuidAnswer, kBasicMax + 1> basic;
  std::array<CpuidAnswer, kExtendedMax - kExtendedFirst + 1> extended;
};

/// All that this machine has, which is what a domain begins with.
[[nodiscard]] CpuPolicy machine_cpu_policy();
/// Leaves past the policy's own maximum are all zero.
[[nodiscard]] CpuidAnswer policy_answer(const CpuPolicy& policy, uint32_t leaf);

// As entries of a list. The limits are those of 4.17.
constexpr uint32_t kPolicyLeavesMax = 120;
constexpr uint32_t kPolicyMsrsMax = 2;
/// How many there are, and the one with that number.
[[nodiscard]] uint32_t policy_leaves(const CpuPolicy& policy);
[[nodiscard]] xen_cpuid_leaf_t policy_leaf(const CpuPolicy& policy, uint32_t number);
[[nodiscard]] xen_msr_entry_t policy_msr(uint32_t number);

/// ERANGE: no policy has such a leaf.
Status put_policy_leaf(CpuPolicy& policy, const xen_cpuid_leaf_t& leaf);
/// Of an HVM or a PV domain. Errors, in order: EINVAL flags; ERANGE no policy has such a register; EOVERFLOW more bits
/// than there are; EINVAL a bit that the domain cannot have.
Status check_policy_msr(const xen_msr_entry_t& entry, bool is_hvm);
/// What no machine could do that is not greater than this one. Names the leaf on EINVAL.
Status check_policy(const CpuPolicy& policy, uint32_t& leaf, uint32_t& subleaf);
/// Features that the machine has not go; what is the machine's own comes back.
void level_policy(CpuPolicy& policy);

}  // namespace hv
