#include "hv/domain/msr.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/base/x86.hpp"
#include "hv/domain/memory_types.hpp"
#include "hv/mm/hypercall_page.hpp"
#include "hv/vcpu/pv_traps.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

enum Msr : uint64_t {
  kTsc = 0x10,
  kApicBase = 0x1b,
  kMicrocode = 0x8b,
  kMtrrCapabilities = 0xfe,
  kSysenterCs = 0x174,
  kSysenterEsp = 0x175,
  kSysenterEip = 0x176,
  kMcgCapabilities = 0x179,
  kMcgStatus = 0x17a,
  kMiscEnable = 0x1a0,
  kPat = 0x277,
  kMc0Control = 0x400,
  kMc1Control = 0x404,
  kX2apicId = 0x802,
  kX2apicVersion = 0x803,
  kX2apicPriority = 0x808,
  kX2apicEoi = 0x80b,
  kX2apicSpurious = 0x80f,
  kEfer = 0xc000'0080,
  kStar = 0xc000'0081,
  kLstar = 0xc000'0082,
  kCstar = 0xc000'0083,
  kSfmask = 0xc000'0084,
  kFsBase = 0xc000'0100,
  kGsBase = 0xc000'0101,
  kKernelGsBase = 0xc000'0102,
  kTscAux = 0xc000'0103,
  kHardwareConfiguration = 0xc001'0015,
  kDecodeConfiguration = 0xc001'1029,
};

constexpr uint64_t kEferWritable = 0x901;  ///< SCE LME NX
constexpr uint64_t kLfenceSerialises = 2;
constexpr uint64_t kMiscEnablePv = 0x801801;  ///< fast strings; no branch or event sampling
constexpr uint64_t kPageOffset = kPageSize - 1;

/// Registers that are plain storage of an HVM vCPU; null when `index` is none of them.
uint64_t* kept(HvmState& hvm, uint64_t index) {
  switch (index) {
    case kStar:
      return &hvm.system.star;
    case kSfmask:
      return &hvm.system.sfmask;
    case kTscAux:
      return &hvm.tsc_aux;
    case kPat:
      return &hvm.pat;
    case kSysenterCs:
      return &hvm.sysenter_cs;
    default:
      return nullptr;
  }
}

/// As above, for those that hold an address.
uint64_t* kept_address(Vcpu& vcpu, uint64_t index) {
  const bool hvm = vcpu.pv == nullptr;
  switch (index) {
    case kFsBase:
      return &vcpu.regs.fs_base;
    case kGsBase:
      return &vcpu.regs.gs_base;
    case kKernelGsBase:
      return &vcpu.regs.gs_base_kernel;
    case kSysenterEsp:
      return hvm ? &vcpu.hvm.sysenter_esp : nullptr;
    case kSysenterEip:
      return hvm ? &vcpu.hvm.sysenter_eip : nullptr;
    case kLstar:
      return hvm ? &vcpu.hvm.system.lstar : nullptr;
    case kCstar:
      return hvm ? &vcpu.hvm.cstar : nullptr;
    default:
      return nullptr;
  }
}

uint64_t apic_base(const Vcpu& vcpu) {
  // A PV64 guest has no local APIC of its own, but kernels look.
  return vcpu.pv == nullptr ? vcpu.hvm.apic_base : kApicBaseReset | (vcpu.id == 0 ? kApicBaseBsp : 0);
}

bool x2apic(const Vcpu& vcpu) {
  return vcpu.pv == nullptr && (vcpu.hvm.apic_base & kApicBaseExtended) != 0;
}

bool read_x2apic(const Vcpu& vcpu, uint64_t index, uint64_t& value) {
  switch (index) {
    case kX2apicId:
      value = vcpu.id * 2;
      return true;
    case kX2apicVersion:
      value = kApicVersion;
      return true;
    case kX2apicPriority:
      value = vcpu.hvm.apic_priority;
      return true;
    case kX2apicSpurious:
      value = vcpu.hvm.apic_spurious;
      return true;
    default:
      return false;
  }
}

bool write_x2apic(Vcpu& vcpu, uint64_t index, uint64_t value) {
  switch (index) {
    case kX2apicEoi:
      if (value != 0) return false;
      vcpu.hvm.in_service = false;
      return true;
    case kX2apicPriority:
      vcpu.hvm.apic_priority = value & 0xff;
      return value <= 0xff;
    case kX2apicSpurious:
      vcpu.hvm.apic_spurious = value & 0x3ff;
      return value <= 0x3ff;
    default:
      return false;
  }
}

/// The low bits would choose among several pages: there is one.
bool write_hypercall_page(Vcpu& vcpu, uint64_t value) {
  if ((value & kPageOffset) != 0) return false;
  return fill_hypercall_page_at(*vcpu.memory, Gfn{value >> kPageShift}).ok();
}

bool write_efer(Vcpu& vcpu, uint64_t value) {
  assay_regs& regs = vcpu.regs;
  if (vcpu.pv != nullptr) return value == regs.efer;
  if ((value & ~(kEferWritable | kEferLongActive)) != 0) return false;
  const bool toggles_long = ((value ^ regs.efer) & kEferLongMode) != 0;
  if (toggles_long && (regs.cr0 & kCr0Paging) != 0) return false;
  regs.efer = (value & kEferWritable) | (regs.efer & kEferLongActive);
  return true;
}

/// The base stays where it is; x2APIC mode can be entered, and left by disabling the APIC.
bool write_apic_base(Vcpu& vcpu, uint64_t value) {
  if (vcpu.pv != nullptr) return value == apic_base(vcpu);
  constexpr uint64_t kChangeable = kApicBaseExtended | kApicBaseEnable;
  if (((value ^ vcpu.hvm.apic_base) & ~kChangeable) != 0) return false;
  const uint64_t mode = value & kChangeable;
  const bool was_extended = (vcpu.hvm.apic_base & kApicBaseExtended) != 0;
  if (mode == kApicBaseExtended || (was_extended && mode == kApicBaseEnable)) return false;
  vcpu.hvm.apic_base = value;
  return true;
}

bool write_pv_tsc_aux(Vcpu& vcpu, uint64_t value) {
  if (value >> 32 != 0) return false;
  vcpu.pv->tsc_aux = value;
  return true;
}

/// Registers that both kinds of guest may read. The constants are those that the real Xen gives on an AMD processor.
bool read_common(const Vcpu& vcpu, uint64_t index, uint64_t& value) {
  switch (index) {
    case kMsrHypercallPage:
    case kMicrocode:
    case kMcgStatus:
    case kHardwareConfiguration:
      value = 0;
      return true;
    case kTsc:
      value = guest_tsc(vcpu, now());
      return true;
    case kApicBase:
      value = apic_base(vcpu);
      return true;
    case kMcgCapabilities:
      value = vcpu.machine_check.caps;
      return true;
    case kMc0Control:
    case kMc1Control:
      value = ~uint64_t{0};
      return true;
    case kEfer:
      value = vcpu.regs.efer;
      return true;
    case kDecodeConfiguration:
      value = kLfenceSerialises;
      return true;
    default:
      return false;
  }
}

bool read_pv(const Vcpu& vcpu, uint64_t index, uint64_t& value) {
  switch (index) {
    case kMiscEnable:
      value = kMiscEnablePv;
      return true;
    case kPat:
      value = kPatReset;
      return true;
    case kTscAux:
      value = vcpu.pv->tsc_aux;
      return true;
    default:
      return read_common(vcpu, index, value);
  }
}

bool read_hvm(const Vcpu& vcpu, uint64_t index, uint64_t& value) {
  switch (index) {
    case kMtrrCapabilities:
      value = kMtrrCapabilityBits;
      return true;
    default:
      return read_memory_type(vcpu, index, value) || read_common(vcpu, index, value);
  }
}

}  // namespace

bool read_msr(const Vcpu& vcpu, uint64_t index, uint64_t& value) {
  auto& mutable_vcpu = const_cast<Vcpu&>(vcpu);
  if (const uint64_t* address = kept_address(mutable_vcpu, index)) {
    value = *address;
    return true;
  }
  if (const uint64_t* plain = vcpu.pv == nullptr ? kept(mutable_vcpu.hvm, index) : nullptr) {
    value = *plain;
    return true;
  }
  if (x2apic(vcpu) && index >> 8 == 8) return read_x2apic(vcpu, index, value);
  return vcpu.pv != nullptr ? read_pv(vcpu, index, value) : read_hvm(vcpu, index, value);
}

bool write_msr(Vcpu& vcpu, uint64_t index, uint64_t value) {
  if (uint64_t* address = kept_address(vcpu, index)) {
    if (!canonical(value) && !fault("hvm.msr_not_canonical")) return false;
    *address = value;
    return true;
  }
  if (uint64_t* plain = vcpu.pv == nullptr ? kept(vcpu.hvm, index) : nullptr) {
    if (index == kTscAux && value >> 32 != 0) return false;
    *plain = value;
    return true;
  }
  if (x2apic(vcpu) && index >> 8 == 8) return write_x2apic(vcpu, index, value);
  switch (index) {
    case kMsrHypercallPage:
      return write_hypercall_page(vcpu, value);
    case kTsc:
      if (vcpu.pv != nullptr) return false;
      set_guest_tsc(vcpu, value);
      return true;
    case kApicBase:
      return write_apic_base(vcpu, value);
    case kEfer:
      return write_efer(vcpu, value);
    case kTscAux:
      return write_pv_tsc_aux(vcpu, value);
    default:
      return write_memory_type(vcpu, index, value);
  }
}

}  // namespace hv
