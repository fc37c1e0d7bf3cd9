#include "hv/domain/cpu_policy.hpp"

#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/domain/cpuid.hpp"

namespace hv {

namespace {

constexpr uint32_t kNoSubleaf = XEN_CPUID_NO_SUBLEAF;
constexpr uint32_t kPlatformInfo = 0xce, kArchCapabilities = 0x10a;

constexpr unsigned kLinearAddressBits = 48;

consteval uint32_t bits(std::initializer_list<unsigned> numbers) {
  uint32_t value = 0;
  for (const unsigned number : numbers) value |= 1u << number;
  return value;
}

// Leaf 1, edx: FPU DE PSE TSC MSR PAE MCE CX8 APIC SEP MTRR PGE MCA CMOV PAT PSE36 CLFSH MMX FXSR SSE SSE2.
constexpr uint32_t kFeatures1d = bits({0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 23, 24, 25, 26});
// Leaf 1, ecx: SSE3 SSSE3 CX16 SSE4.1 SSE4.2 x2APIC POPCNT hypervisor.
constexpr uint32_t kFeatures1c = bits({0, 9, 13, 19, 20, 21, 23, 31});
// Leaf 0x80000001, edx: SYSCALL NX LM; ecx: LAHF.
constexpr uint32_t kFeaturesExtendedD = bits({11, 20, 29});
constexpr uint32_t kFeaturesExtendedC = bits({0});
constexpr uint32_t kFamilyModelStepping = 0x00800f12;
constexpr uint32_t kCacheLineField = 8u << 8;  ///< CLFLUSH line size in units of 8 bytes

/// 48 bytes of the processor's name, in three leaves.
CpuidAnswer brand(unsigned part) {
  static constexpr char kBrand[49] = "Assay virtual CPU                               ";
  CpuidAnswer answer;
  std::memcpy(&answer, kBrand + part * sizeof answer, sizeof answer);
  return answer;
}

/// How many subleaves a policy has room for; 0: the leaf has none.
uint32_t subleaf_room(uint32_t leaf) {
  switch (leaf) {
    case 4:
      return 6;
    case 7:
    case 0xb:
      return 2;
    case 0xd:
      return 63;
    default:
      return 0;
  }
}

bool has_room(uint32_t leaf, uint32_t subleaf) {
  constexpr uint32_t kHypervisorFirst = XEN_CPUID_FIRST_LEAF, kHypervisorLeaves = 0x200;
  constexpr uint32_t kExtendedRoom = 0x22;
  if (leaf <= kBasicMax && subleaf_room(leaf) != 0) return subleaf < subleaf_room(leaf);
  const bool is_known =
      leaf <= kBasicMax || leaf - kHypervisorFirst < kHypervisorLeaves || leaf - kExtendedFirst < kExtendedRoom;
  return is_known && subleaf == kNoSubleaf;
}

CpuidAnswer* place(CpuPolicy& policy, uint32_t leaf) {
  if (leaf <= kBasicMax) return &policy.basic[leaf];
  return leaf - kExtendedFirst < policy.extended.size() ? &policy.extended[leaf - kExtendedFirst] : nullptr;
}

void keep_features(CpuidAnswer& answer, const CpuidAnswer& machine) {
  answer.ecx &= machine.ecx;
  answer.edx &= machine.edx;
}

uint32_t basic_count(const CpuPolicy& policy) {
  return policy.basic[0].eax + 1;
}

}  // namespace

CpuPolicy machine_cpu_policy() {
  CpuPolicy policy{};
  policy.basic[0] = {kBasicMax, 0x68747541, 0x444d4163, 0x69746e65};  // AuthenticAMD: hypercalls by vmmcall
  policy.basic[1] = {kFamilyModelStepping, kCacheLineField, kFeatures1c, kFeatures1d};
  policy.extended[0] = {kExtendedMax, 0, 0, 0};
  policy.extended[1] = {0, 0, kFeaturesExtendedC, kFeaturesExtendedD};
  for (unsigned part = 0; part < 3; ++part) policy.extended[2 + part] = brand(part);
  policy.extended[8] = {kLinearAddressBits << 8 | machine_address_bits(), 0, 0, 0};
  return policy;
}

CpuidAnswer policy_answer(const CpuPolicy& policy, uint32_t leaf) {
  if (leaf >= kExtendedFirst)
    return leaf <= policy.extended[0].eax ? policy.extended[leaf - kExtendedFirst] : CpuidAnswer{};
  return leaf <= policy.basic[0].eax ? policy.basic[leaf] : CpuidAnswer{};
}

uint32_t policy_leaves(const CpuPolicy& policy) {
  const uint32_t last = policy.extended[0].eax;
  return basic_count(policy) + (last >= kExtendedFirst ? last - kExtendedFirst + 1 : 0);
}

xen_cpuid_leaf_t policy_leaf(const CpuPolicy& policy, uint32_t number) {
  const uint32_t basic = basic_count(policy);
  const uint32_t leaf = number < basic ? number : kExtendedFirst + number - basic;
  const CpuidAnswer answer = policy_answer(policy, leaf);
  const uint32_t subleaf = leaf <= kBasicMax && subleaf_room(leaf) != 0 ? 0 : kNoSubleaf;
  return {leaf, subleaf, answer.eax, answer.ebx, answer.ecx, answer.edx};
}

xen_msr_entry_t policy_msr(uint32_t number) {
  return {number == 0 ? kPlatformInfo : kArchCapabilities, 0, 0};
}

Status put_policy_leaf(CpuPolicy& policy, const xen_cpuid_leaf_t& leaf) {
  if (!has_room(leaf.leaf, leaf.subleaf)) return fail(XEN_ERANGE);
  CpuidAnswer* const to = place(policy, leaf.leaf);
  const bool is_first = leaf.subleaf == kNoSubleaf || leaf.subleaf == 0;
  if (to != nullptr && is_first) *to = {leaf.a, leaf.b, leaf.c, leaf.d};
  return kOk;
}

Status check_policy_msr(const xen_msr_entry_t& entry, bool is_hvm) {
  constexpr uint64_t kCpuidFaulting = 1u << 31;  ///< emulated for HVM guests elsewhere; here it is dropped
  if (entry.flags != 0) return fail(XEN_EINVAL);
  if (entry.idx == kArchCapabilities) return kOk;  // the machine's own, whatever is asked
  if (entry.idx != kPlatformInfo) return fail(XEN_ERANGE);
  if (entry.val >> 32 != 0) return fail(XEN_EOVERFLOW);
  return (entry.val & ~(is_hvm ? kCpuidFaulting : 0)) == 0 ? kOk : fail(XEN_EINVAL);
}

Status check_policy(const CpuPolicy& policy, uint32_t& leaf, uint32_t& subleaf) {
  constexpr uint32_t kFeatureLeaf = 7;
  const CpuPolicy machine = machine_cpu_policy();
  subleaf = kNoSubleaf;
  leaf = 0;
  if (policy.basic[0].eax > machine.basic[0].eax) return fail(XEN_EINVAL);
  leaf = kExtendedFirst;
  if (policy.extended[0].eax > machine.extended[0].eax) return fail(XEN_EINVAL);
  leaf = kFeatureLeaf, subleaf = 0;
  return policy.basic[kFeatureLeaf].eax <= machine.basic[kFeatureLeaf].eax ? kOk : fail(XEN_EINVAL);
}

void level_policy(CpuPolicy& policy) {
  const CpuPolicy machine = machine_cpu_policy();
  if (!fault("cpuid.policy_not_levelled")) {
    keep_features(policy.basic[1], machine.basic[1]);
    keep_features(policy.extended[1], machine.extended[1]);
  }
  for (uint32_t leaf = 2; leaf <= kBasicMax; ++leaf) policy.basic[leaf] = machine.basic[leaf];
  policy.extended[8] = machine.extended[8];
}

}  // namespace hv
