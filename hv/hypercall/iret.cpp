/// Hypercall 23: back from a trap, to the guest's kernel or to its user mode. Source: public/arch-x86/xen-x86_64.h.
#include "hv/base/fault.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

void restore(Vcpu& vcpu, const iret_context& saved) {
  assay_regs& regs = vcpu.regs;
  const bool architectural_iopl = (vcpu.memory->vm_assist >> VMASST_TYPE_architectural_iopl & 1) != 0;
  if (architectural_iopl) vcpu.pv->iopl = (saved.rflags & kFlagIopl) >> 12;
  regs.rip = saved.rip;
  regs.cs = static_cast<uint16_t>(saved.cs | 3);
  const uint64_t refused = fault("pv.iret_gives_iopl") ? kFlagVirtual8086 : kFlagIopl | kFlagVirtual8086;
  regs.rflags = (saved.rflags & ~refused) | kFlagInterrupt | kFlagAlwaysOne;
  regs.rsp = saved.rsp;
  regs.ss = static_cast<uint16_t>(saved.ss | 3);
  if ((saved.flags & VGCF_in_syscall) == 0) {
    regs.r11 = saved.r11;
    regs.rcx = saved.rcx;
  }
}

}  // namespace

/// Returns what RAX is to hold. Crashes the domain when there is no frame, or no root to run user mode on.
int64_t do_iret(Call& call) {
  Vcpu& vcpu = call.vcpu;
  iret_context saved;
  if (!read_guest(call.space(), saved, Gva{vcpu.regs.rsp})) {
    crash_domain(call.domain(), "fault while reading the iret frame at %#lx", vcpu.regs.rsp);
    return 0;
  }
  const bool to_user = (saved.cs & 3) == 3;
  if (to_user && vcpu.pv->user_cr3 == 0) {
    crash_domain(call.domain(), "iret to user mode without a user page table");
    return 0;
  }
  if (to_user) pv_enter_user(vcpu);
  restore(vcpu, saved);
  vcpu.info->evtchn_upcall_mask = (saved.rflags & kFlagInterrupt) == 0;
  vcpu.pv->in_nmi = false;
  return static_cast<int64_t>(saved.rax);
}

}  // namespace hv
