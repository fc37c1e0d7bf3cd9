#include "hv/domain/cpuid.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "hv/abi/identity.hpp"
#include "hv/base/host.hpp"
#include "hv/domain/msr.hpp"

namespace hv {

namespace {

constexpr uint32_t kBasicMax = 0xd;
constexpr uint32_t kExtendedFirst = 0x8000'0000;
constexpr uint32_t kExtendedMax = 0x8000'0008;
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

CpuidAnswer basic_leaf(const Vcpu& vcpu, uint32_t leaf) {
  switch (leaf) {
    case 0:
      return {kBasicMax, 0x68747541, 0x444d4163, 0x69746e65};  // AuthenticAMD: hypercalls by vmmcall
    case 1:
      // An APIC id has room for a second thread, which does not exist.
      return {kFamilyModelStepping, kCacheLineField | (vcpu.id * 2 & 0xff) << 24, kFeatures1c, kFeatures1d};
    default:
      return {};
  }
}

CpuidAnswer extended_leaf(uint32_t leaf) {
  switch (leaf) {
    case kExtendedFirst:
      return {kExtendedMax, 0, 0, 0};
    case kExtendedFirst + 1:
      return {0, 0, kFeaturesExtendedC, kFeaturesExtendedD};
    case kExtendedFirst + 2:
    case kExtendedFirst + 3:
    case kExtendedFirst + 4:
      return brand(leaf - kExtendedFirst - 2);
    case kExtendedFirst + 8:
      return {kLinearAddressBits << 8 | machine_address_bits(), 0, 0, 0};
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
  return leaf >= kExtendedFirst ? extended_leaf(leaf) : basic_leaf(vcpu, leaf);
}

}  // namespace hv
