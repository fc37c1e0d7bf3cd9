#include "hv/domain/cpuid.hpp"

#include <algorithm>
#include <bit>

#include "hv/abi/identity.hpp"
#include "hv/base/host.hpp"
#include "hv/domain/msr.hpp"

namespace hv {

namespace {

CpuidAnswer time_leaf(const Domain& domain, uint32_t subleaf) {
  const uint32_t khz = domain.tsc_khz != 0 ? domain.tsc_khz : host().tsc_khz;
  constexpr uint32_t kTscReliable = 1u << 1;
  constexpr uint32_t kAlwaysEmulated = 1;  ///< tsc_mode; the number of a flag too
  const uint32_t emulated = domain.tsc_mode == kAlwaysEmulated || khz != host().tsc_khz ? 1 : 0;
  switch (subleaf) {
    case 0:
      return {kTscReliable | emulated, domain.tsc_mode, khz, domain.tsc_incarnation};
    case 2:
      return {host().tsc_khz, 0, 0, 0};
    default:
      return {};  // no offset and no scaling: the guest's TSC is the machine's
  }
}

CpuidAnswer hvm_leaf(const Vcpu& vcpu) {
  if (vcpu.domain->kind != GuestKind::kHvm) return {};
  return {XEN_HVM_CPUID_IOMMU_MAPPINGS | XEN_HVM_CPUID_VCPU_ID_PRESENT | XEN_HVM_CPUID_DOMID_PRESENT |
              XEN_HVM_CPUID_UPCALL_VECTOR,
          vcpu.id, vcpu.domain->id.raw(), 0};
}

CpuidAnswer xen_leaf(const Vcpu& vcpu, uint32_t index, uint32_t subleaf) {
  const bool pv = vcpu.domain->kind == GuestKind::kPv64;
  switch (index) {
    case 0:
      return {XEN_CPUID_LEAF(XEN_CPUID_MAX_NUM_LEAVES), XEN_CPUID_SIGNATURE_EBX, XEN_CPUID_SIGNATURE_ECX,
              XEN_CPUID_SIGNATURE_EDX};
    case 1:
      return {kVersionMajor << 16 | kVersionMinor, 0, 0, 0};
    case 2:
      return {1, static_cast<uint32_t>(kMsrHypercallPage), pv ? XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD : 0, 0};
    case 3:
      return time_leaf(*vcpu.domain, subleaf);
    case 4:
      return subleaf == 0 ? hvm_leaf(vcpu) : CpuidAnswer{};
    case 5:
      return pv && subleaf == 0 ? CpuidAnswer{0, machine_address_bits(), 0, 0} : CpuidAnswer{};
    default:
      return {};
  }
}

}  // namespace

unsigned machine_address_bits() {
  constexpr unsigned kBitsMin = 36;  // as every processor with long mode; the local APIC is near 4 GiB
  return std::max(kBitsMin, static_cast<unsigned>(std::bit_width(host().frames - 1)) + kPageShift);
}

CpuidAnswer cpuid_answer(const Vcpu& vcpu, uint32_t leaf, uint32_t subleaf) {
  constexpr uint32_t kXenLeaves = 0x100;
  if (leaf - XEN_CPUID_FIRST_LEAF < kXenLeaves) return xen_leaf(vcpu, leaf - XEN_CPUID_FIRST_LEAF, subleaf);
  CpuidAnswer answer = policy_answer(vcpu.domain->cpu_policy, leaf);
  // An APIC id has room for a second thread, which does not exist.
  if (leaf == 1) answer.ebx = (answer.ebx & 0x00ff'ffff) | (vcpu.id * 2 & 0xff) << 24;
  return answer;
}

}  // namespace hv
