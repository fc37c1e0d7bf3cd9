#include <cstring>

#include "sim/toolstack/vcpu_state.hpp"

namespace assay::toolstack {

namespace {

constexpr uint64_t kInterruptFlag = 1ull << 9;
constexpr uint8_t kTraps = 32;
constexpr uint8_t kBreakpoint = 3, kOverflow = 4;
/// Whoever runs may raise these by an instruction: int3, into.
constexpr uint8_t kAnyPrivilege = 3;

vcpu_guest_context kernel_context(uint64_t rip, Gva stack_end, Mfn l4) {
  vcpu_guest_context context;
  std::memset(&context, 0, sizeof context);
  context.flags = VGCF_in_kernel;
  cpu_user_regs& regs = context.user_regs;
  regs.rip = rip;
  regs.rsp = stack_end.raw();
  regs.rflags = kInterruptFlag;
  regs.cs = FLAT_KERNEL_CS;
  regs.ss = FLAT_KERNEL_SS;
  regs.ds = regs.es = regs.fs = regs.gs = FLAT_KERNEL_DS;
  context.kernel_ss = FLAT_KERNEL_SS;
  context.kernel_sp = stack_end.raw();
  context.ctrlreg[3] = xen_pfn_to_cr3(l4.raw());
  return context;
}

}  // namespace

vcpu_guest_context first_pv_context(uint64_t entry, Mfn l4, Gva start_info, Gva stack_end) {
  vcpu_guest_context context = kernel_context(entry, stack_end, l4);
  context.flags |= VGCF_online;
  context.user_regs.rsi = start_info.raw();
  return context;
}

vcpu_guest_context further_pv_context(const assay_agent_layout& layout, Mfn l4, uint32_t vcpu_id) {
  vcpu_guest_context context = kernel_context(layout.pv_secondary, stack_end(layout, vcpu_id), l4);
  context.user_regs.rdi = vcpu_id;
  for (uint8_t vector = 0; vector < kTraps; ++vector) {
    trap_info& trap = context.trap_ctxt[vector];
    trap.vector = vector;
    trap.flags = vector == kBreakpoint || vector == kOverflow ? kAnyPrivilege : 0;
    trap.cs = FLAT_KERNEL_CS;
    trap.address = layout.trap_handlers + vector * layout.trap_handler_stride;
  }
  context.event_callback_eip = layout.event_callback;
  context.failsafe_callback_eip = layout.failsafe_callback;
  return context;
}

}  // namespace assay::toolstack
