#include "hv/vcpu/pv_traps.hpp"

#include <utility>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

constexpr uint32_t kErrorUser = 1u << 2;  ///< page-fault error code
constexpr uint8_t kTrapDisablesEvents = 1u << 2;

bool has_assist(const Vcpu& vcpu, unsigned type) {
  return (vcpu.memory->vm_assist >> type & 1) != 0;
}

uint64_t flags_for_frame(const Vcpu& vcpu) {
  uint64_t flags = vcpu.regs.rflags & ~(kFlagInterrupt | kFlagIopl);
  if (vcpu.info->evtchn_upcall_mask == 0) flags |= kFlagInterrupt;
  if (has_assist(vcpu, VMASST_TYPE_architectural_iopl)) flags |= vcpu.pv->iopl << 12;
  return flags;
}

}  // namespace

void pv_enter_kernel(Vcpu& vcpu) {
  HV_ASSERT(!pv_in_kernel(vcpu));
  vcpu.regs.cpl = 0;
  vcpu.regs.cr3 = vcpu.pv->kernel_cr3;
  std::swap(vcpu.regs.gs_base, vcpu.regs.gs_base_kernel);
  ++vcpu.tlb_version;
  publish_stale_areas(vcpu);
}

void pv_enter_user(Vcpu& vcpu) {
  HV_ASSERT(pv_in_kernel(vcpu) && vcpu.pv->user_cr3 != 0);
  vcpu.regs.cpl = 3;
  vcpu.pv->kernel_cr3 = vcpu.regs.cr3;
  vcpu.regs.cr3 = vcpu.pv->user_cr3;
  std::swap(vcpu.regs.gs_base, vcpu.regs.gs_base_kernel);
  ++vcpu.tlb_version;
}

bool pv_bounce(Vcpu& vcpu, const Bounce& bounce) {
  if (bounce.address == 0) return false;
  assay_regs& regs = vcpu.regs;
  const bool from_kernel = pv_in_kernel(vcpu);
  uint64_t stack = regs.rsp;
  if (!from_kernel) {
    pv_enter_kernel(vcpu);
    stack = vcpu.pv->kernel_sp;
  }
  const uint8_t mask = fault("pv.event_mask_not_saved") ? uint8_t{0} : vcpu.info->evtchn_upcall_mask;
  const uint64_t selector = from_kernel ? regs.cs & ~3u : regs.cs | 3u;

  uint64_t frame[11];
  unsigned words = 0;
  frame[words++] = regs.rcx;
  frame[words++] = regs.r11;
  if (bounce.has_error) frame[words++] = bounce.error;
  if (bounce.has_extra) {
    for (const uint64_t word : bounce.extra) frame[words++] = word;
  }
  frame[words++] = regs.rip;
  frame[words++] = selector | uint64_t{mask} << 32;
  frame[words++] = flags_for_frame(vcpu);
  frame[words++] = regs.rsp;
  frame[words++] = regs.ss;
  stack = (stack & ~uint64_t{15}) - words * sizeof(uint64_t);
  if (!copy_to_guest(address_space(vcpu), Gva{stack}, frame, words * sizeof(uint64_t))) return false;

  if (bounce.mask_events) vcpu.info->evtchn_upcall_mask = 1;
  regs.rsp = stack;
  regs.rip = bounce.address;
  regs.cs = FLAT_KERNEL_CS;
  regs.ss = FLAT_KERNEL_SS;
  regs.rflags &= ~(kFlagTrap | kFlagNestedTask | kFlagResume | kFlagVirtual8086 | kFlagAlignment);
  return true;
}

bool pv_raise(Vcpu& vcpu, uint32_t vector, bool has_error, uint32_t error, uint64_t address) {
  HV_ASSERT(vector < 32);
  if (vector == kVectorPageFault) {
    vcpu.info->arch.cr2 = address;
    // All of a PV guest runs in ring 3: the bit tells the guest's own two modes apart.
    error = pv_in_kernel(vcpu) ? error & ~kErrorUser : error | kErrorUser;
  }
  const PvState::Trap& trap = vcpu.pv->traps[vector];
  return pv_bounce(vcpu, {trap.address, (trap.flags & kTrapDisablesEvents) != 0, has_error, error});
}

bool pv_raise_gp(Vcpu& vcpu) {
  return pv_raise(vcpu, kVectorGeneralProtection, true, 0);
}

bool pv_deliver(Vcpu& vcpu) {
  PvState& pv = *vcpu.pv;
  if (pv.nmi_pending && !pv.in_nmi) {
    pv.nmi_pending = fault("pv.nmi_delivered_twice");
    pv.in_nmi = true;
    if (!pv_bounce(vcpu, {pv.nmi_callback, true})) return false;
  }
  if (!upcall_deliverable(vcpu)) return true;
  return pv_bounce(vcpu, {pv.event_callback, true});
}

}  // namespace hv
