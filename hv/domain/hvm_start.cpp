/// vcpu_hvm_context_t to an HVM vCPU. Source: public/arch-x86/hvm/hvm_vcpu.h (as public/hvm/hvm_vcpu.h).
#include "hv/base/fault.hpp"
#include "hv/base/x86.hpp"
#include "hv/domain/context.hpp"
#include "hv/domain/general_registers.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

constexpr uint64_t kCr0Defined = 0xe005'003f;
/// TSD DE PSE PAE MCE PGE PCE OSFXSR OSXMMEXCPT FSGSBASE OSXSAVE SMEP SMAP.
constexpr uint64_t kCr4Defined = 0x0035'07fc;
constexpr uint64_t kEferDefined = 0x0d01;

/// A segment as the _ar fields of the ABI describe it.
struct Segment {
  uint32_t base, limit;
  uint16_t ar;

  [[nodiscard]] unsigned type() const { return ar & 0xfu; }
  [[nodiscard]] bool code_or_data() const { return (ar >> 4 & 1) != 0; }
  [[nodiscard]] bool code() const { return (ar & 0x8) != 0; }
  [[nodiscard]] unsigned dpl() const { return ar >> 5 & 3u; }
  [[nodiscard]] bool present() const { return (ar >> 7 & 1) != 0; }
  [[nodiscard]] bool long_mode() const { return (ar >> 9 & 1) != 0; }
  [[nodiscard]] bool big() const { return (ar >> 10 & 1) != 0; }
  [[nodiscard]] uint64_t limit_bytes() const {
    return (ar >> 11 & 1) != 0 ? uint64_t{limit} << 12 | 0xfff : uint64_t{limit};
  }
  [[nodiscard]] bool reserved_clear() const { return (ar & 0xf000) == 0; }
};

constexpr unsigned kReadable = 2;  ///< type bit: code readable, data writable
constexpr unsigned kTssBusy = 11;

bool cs_valid(const Segment& s) {
  return s.reserved_clear() && s.present() && s.code_or_data() && s.code();
}

bool ss_valid(const Segment& s) {
  return s.reserved_clear() && s.present() && s.code_or_data() && !s.code() && (s.type() & kReadable) != 0;
}

bool data_valid(const Segment& s) {
  if (s.ar == 0) return true;  // unusable, which a data segment may be
  if (!s.reserved_clear() || !s.present() || !s.code_or_data()) return false;
  return !s.code() || (s.type() & kReadable) != 0;
}

bool tr_valid(const Segment& s) {
  return s.reserved_clear() && s.present() && !s.code_or_data() && (s.type() | kReadable) == kTssBusy;
}

bool segments_valid(const vcpu_hvm_x86_32& r, const Segment& cs, const Segment& ss) {
  const Segment ds{r.ds_base, r.ds_limit, r.ds_ar};
  const Segment es{r.es_base, r.es_limit, r.es_ar};
  const Segment tr{r.tr_base, r.tr_limit, r.tr_ar};
  if (!cs_valid(cs) || !data_valid(ds) || !ss_valid(ss) || !data_valid(es) || !tr_valid(tr)) return false;
  if (r.eip > cs.limit_bytes() || ss.dpl() != cs.dpl()) return false;
  return (!ds.present() || ds.dpl() >= cs.dpl()) && (!es.present() || es.dpl() >= cs.dpl());
}

Status set_control(assay_regs& regs, uint64_t cr0, uint64_t cr3, uint64_t cr4, uint64_t efer) {
  if ((efer & kEferLongMode) != 0 && (cr0 & kCr0Paging) != 0) efer |= kEferLongActive;
  // Whether it fits CR0.PG is not looked at here (measured on 4.17).
  if (!hvm_cr4_valid(cr4) || !hvm_efer_valid(efer, kCr0Paging)) return fail(XEN_EINVAL);
  regs.cr0 = cr0 | kCr0ExtensionType, regs.cr3 = cr3, regs.cr4 = cr4, regs.efer = efer;
  return kOk;
}

Status set_32(assay_regs& regs, const vcpu_hvm_x86_32& r) {
  if (r.pad1 != 0 || r.pad2[0] != 0 || r.pad2[1] != 0 || r.pad2[2] != 0) return fail(XEN_EINVAL);
  const Segment cs{r.cs_base, r.cs_limit, r.cs_ar};
  const Segment ss{r.ss_base, r.ss_limit, r.ss_ar};
  if (!segments_valid(r, cs, ss)) return fail(XEN_EINVAL);
  if ((r.efer & kEferLongActive) != 0 && (r.efer & kEferLongMode) == 0) return fail(XEN_EINVAL);
  regs.rax = r.eax, regs.rbx = r.ebx, regs.rcx = r.ecx, regs.rdx = r.edx;
  regs.rsi = r.esi, regs.rdi = r.edi, regs.rbp = r.ebp, regs.rsp = r.esp;
  regs.rip = r.eip, regs.rflags = r.eflags | 2u;
  regs.cpl = static_cast<uint8_t>(ss.dpl());
  const bool long_code = cs.long_mode() && (r.efer & kEferLongMode) != 0;
  regs.code_bits = long_code ? 64 : (cs.big() ? 32 : 16);
  return set_control(regs, r.cr0, r.cr3, r.cr4, r.efer);
}

Status set_64(assay_regs& regs, const vcpu_hvm_x86_64& r) {
  if (!canonical(r.rip) || (r.cr0 & kCr0Paging) == 0 || (r.cr4 & kCr4Pae) == 0 || (r.efer & kEferLongMode) == 0) {
    return fail(XEN_EINVAL);
  }
  regs.rax = r.rax, regs.rbx = r.rbx, regs.rcx = r.rcx, regs.rdx = r.rdx;
  regs.rsi = r.rsi, regs.rdi = r.rdi, regs.rbp = r.rbp, regs.rsp = r.rsp;
  regs.rip = r.rip, regs.rflags = r.rflags | 2u;
  regs.cpl = 0;
  regs.code_bits = 64;
  return set_control(regs, r.cr0, r.cr3, r.cr4, r.efer);
}

Status set_by_mode(assay_regs& regs, const vcpu_hvm_context_t& context) {
  switch (context.mode) {
    case VCPU_HVM_MODE_32B:
      return set_32(regs, context.cpu_regs.x86_32);
    case VCPU_HVM_MODE_64B:
      return set_64(regs, context.cpu_regs.x86_64);
    default:
      return fail(XEN_EINVAL);
  }
}

}  // namespace

bool hvm_cr0_valid(uint64_t cr0) {
  if ((cr0 & ~kCr0Defined) != 0 || (cr0 & kCr0ExtensionType) == 0) return false;
  return (cr0 & kCr0Paging) == 0 || (cr0 & kCr0ProtectedMode) != 0;
}

bool hvm_cr4_valid(uint64_t cr4) {
  return (cr4 & ~kCr4Defined) == 0 || fault("hvm.cr4_unchecked");
}

bool hvm_efer_valid(uint64_t efer, uint64_t cr0) {
  if ((efer & ~kEferDefined) != 0) return false;
  if ((efer & kEferLongActive) == 0) return true;
  return (efer & kEferLongMode) != 0 && (cr0 & kCr0Paging) != 0;
}

Status set_hvm_context(Vcpu& vcpu, const vcpu_hvm_context_t& context) {
  HV_ASSERT(vcpu.pv == nullptr);
  if (context.pad != 0) return fail(XEN_EINVAL);
  assay_regs regs{};
  if (const Status status = set_by_mode(regs, context); !status.ok()) return status;
  regs.dr[6] = kDr6AlwaysOne, regs.dr[7] = kDr7AlwaysOne;
  vcpu.regs = regs;
  vcpu.initialised = true;
  ++vcpu.tlb_version;
  vcpu_pause(vcpu, kPauseDown);
  return kOk;
}

void set_hvm_general(Vcpu& vcpu, const vcpu_guest_context_t& context) {
  load_general(vcpu.regs, context.user_regs);
  vcpu.regs.rflags = context.user_regs.rflags | 2u;
  // A vCPU that stays down is not initialised by this: only by VCPUOP_initialise or a save record.
  if ((context.flags & VGCF_online) != 0) {
    vcpu.initialised = true;
    vcpu_unpause(vcpu, kPauseDown);
  } else {
    vcpu_pause(vcpu, kPauseDown);
  }
}

void get_hvm_general(const Vcpu& vcpu, vcpu_guest_context_t& context) {
  const assay_regs& r = vcpu.regs;
  context = {};
  context.flags = (vcpu.pause_flags & kPauseDown) == 0 ? VGCF_online : 0;
  store_general(context.user_regs, r);
  context.user_regs.rflags = r.rflags;
  context.ctrlreg[0] = r.cr0, context.ctrlreg[2] = r.cr2, context.ctrlreg[3] = r.cr3, context.ctrlreg[4] = r.cr4;
  context.fs_base = r.fs_base;
  context.gs_base_kernel = r.cpl == 0 ? r.gs_base : r.gs_base_kernel;
  context.gs_base_user = r.cpl == 0 ? r.gs_base_kernel : r.gs_base;
}

}  // namespace hv
