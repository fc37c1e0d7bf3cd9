/// vcpu_guest_context_t to and from a PV64 vCPU. Source: public/arch-x86/xen.h.
#include <algorithm>

#include "hv/domain/context.hpp"
#include "hv/domain/general_registers.hpp"
#include "hv/domain/pv_roots.hpp"
#include "hv/vcpu/pv_traps.hpp"
#include "hv/vcpu/time.hpp"

namespace hv {

namespace {

constexpr uint64_t kLdtEntriesMax = 8192;
constexpr uint64_t kCr0 = 0x8005'0033;  ///< what a PV guest runs with: PE, MP, ET, NE, WP, AM, PG
constexpr uint64_t kCr4 = 0x660;        ///< PAE, MCE, OSFXSR, OSXMMEXCPT
constexpr uint64_t kEfer = 0xd01;       ///< SCE, LME, LMA, NX
constexpr uint16_t kRing3 = 3;

bool addresses_canonical(const vcpu_guest_context_t& c) {
  if (c.ldt_ents != 0 && !canonical(c.ldt_base)) return false;
  for (const uint64_t address :
       {uint64_t{c.user_regs.rip}, uint64_t{c.user_regs.rsp}, uint64_t{c.kernel_sp}, uint64_t{c.fs_base},
        uint64_t{c.gs_base_kernel}, uint64_t{c.gs_base_user}, uint64_t{c.event_callback_eip},
        uint64_t{c.syscall_callback_eip}, uint64_t{c.failsafe_callback_eip}}) {
    if (!canonical(address)) return false;
  }
  return std::ranges::all_of(c.trap_ctxt, [](const trap_info& trap) { return canonical(trap.address); });
}

bool same_tables(const Vcpu& vcpu, const vcpu_guest_context_t& c) {
  const PvState& pv = *vcpu.pv;
  const bool in_kernel = (c.flags & VGCF_in_kernel) != 0;
  if (c.ctrlreg[3] != pv_kernel_root(vcpu) || c.ctrlreg[1] != pv.user_cr3) return false;
  if (pv.user_cr3 == 0 && !in_kernel) return false;
  if (c.gdt_ents != pv.gdt_entries || c.ldt_ents != pv.ldt_entries || c.ldt_base != pv.ldt_base) return false;
  return std::equal(pv.gdt_frames, pv.gdt_frames + gdt_frame_count(pv.gdt_entries), c.gdt_frames);
}

Status check(const Vcpu& vcpu, const vcpu_guest_context_t& c) {
  if (!addresses_canonical(c)) return fail(XEN_EINVAL);
  if (c.ldt_base % kPageSize != 0 || c.ldt_ents > kLdtEntriesMax) return fail(XEN_EINVAL);
  if (vcpu.initialised) return same_tables(vcpu, c) ? kOk : fail(XEN_EOPNOTSUPP);
  if ((c.flags & VGCF_in_kernel) == 0 && c.ctrlreg[1] == 0) return fail(XEN_EINVAL);
  return kOk;
}

void load_traps(PvState& pv, const vcpu_guest_context_t& c) {
  for (size_t i = 0; i < std::size(pv.traps); ++i) {
    const trap_info& trap = c.trap_ctxt[i];
    pv.traps[i] = {trap.address, static_cast<uint16_t>(trap.cs | kRing3), trap.flags};
  }
  pv.event_callback = c.event_callback_eip;
  pv.failsafe_callback = c.failsafe_callback_eip;
  pv.syscall_callback = c.syscall_callback_eip;
  pv.failsafe_disables_events = (c.flags & VGCF_failsafe_disables_events) != 0;
  pv.syscall_disables_events = (c.flags & VGCF_syscall_disables_events) != 0;
}

void load_registers(Vcpu& vcpu, const vcpu_guest_context_t& c) {
  assay_regs& r = vcpu.regs;
  PvState& pv = *vcpu.pv;
  const bool in_kernel = (c.flags & VGCF_in_kernel) != 0;
  load_general(r, c.user_regs);
  r.cs = c.user_regs.cs | kRing3, r.ss = c.user_regs.ss | kRing3;  // everything of a PV guest runs in ring 3
  pv.iopl = (c.user_regs.eflags & kFlagIopl) >> 12;
  r.rflags = (c.user_regs.eflags & ~kFlagIopl) | kFlagInterrupt | kFlagAlwaysOne;
  r.cr0 = kCr0, r.cr4 = kCr4, r.efer = kEfer;
  std::copy_n(c.debugreg, std::size(r.dr), r.dr);
  r.dr[6] |= kDr6AlwaysOne, r.dr[7] |= kDr7AlwaysOne;
  pv.kernel_ss = c.kernel_ss | kRing3, pv.kernel_sp = c.kernel_sp;
  r.fs_base = c.fs_base;
  r.gs_base = in_kernel ? c.gs_base_kernel : c.gs_base_user;
  r.gs_base_kernel = in_kernel ? c.gs_base_user : c.gs_base_kernel;
  r.cpl = in_kernel ? 0 : 3;
  r.code_bits = 64;
}

uint64_t context_flags(const Vcpu& vcpu) {
  uint64_t flags = 0;
  if (pv_in_kernel(vcpu)) flags |= VGCF_in_kernel;
  if (vcpu.pv->failsafe_disables_events) flags |= VGCF_failsafe_disables_events;
  if (vcpu.pv->syscall_disables_events) flags |= VGCF_syscall_disables_events;
  if ((vcpu.pause_flags & kPauseDown) == 0) flags |= VGCF_online;
  return flags;
}

}  // namespace

Status set_pv_context(Vcpu& vcpu, const vcpu_guest_context_t& context) {
  HV_ASSERT(vcpu.pv != nullptr);
  // A dying domain would wait for the references that its own vCPU takes.
  if (vcpu.memory->dying) return fail(XEN_EINVAL);
  if (const Status status = check(vcpu, context); !status.ok()) return status;
  if (!vcpu.initialised) {
    if (const Status status = take_pv_tables(vcpu, context); !status.ok()) return status;
    if (vcpu.id == 0) {
      vcpu.memory->vm_assist = context.vm_assist & kVmAssistValid;
      publish_wallclock(*vcpu.domain->shared_info(), vcpu.domain->time_offset_s);
    }
  }
  const uint64_t kernel_root = pv_kernel_root(vcpu);
  load_traps(*vcpu.pv, context);
  load_registers(vcpu, context);
  set_pv_kernel_root(vcpu, kernel_root);
  vcpu.initialised = true;
  ++vcpu.tlb_version;
  if ((context.flags & VGCF_online) != 0) {
    vcpu_unpause(vcpu, kPauseDown);
  } else {
    vcpu_pause(vcpu, kPauseDown);
  }
  return kOk;
}

void get_pv_context(const Vcpu& vcpu, vcpu_guest_context_t& context) {
  const PvState& pv = *vcpu.pv;
  const assay_regs& r = vcpu.regs;
  context = {};
  context.flags = context_flags(vcpu);
  store_general(context.user_regs, r);
  context.user_regs.eflags = static_cast<uint32_t>(r.rflags | pv.iopl << 12);
  for (size_t i = 0; i < std::size(pv.traps); ++i) {
    context.trap_ctxt[i] = {static_cast<uint8_t>(i), pv.traps[i].flags, pv.traps[i].cs, pv.traps[i].address};
  }
  context.ldt_base = pv.ldt_base, context.ldt_ents = pv.ldt_entries;
  std::copy_n(pv.gdt_frames, std::size(pv.gdt_frames), context.gdt_frames);
  context.gdt_ents = pv.gdt_entries;
  context.kernel_ss = pv.kernel_ss, context.kernel_sp = pv.kernel_sp;
  context.ctrlreg[0] = r.cr0, context.ctrlreg[1] = pv.user_cr3, context.ctrlreg[2] = r.cr2;
  context.ctrlreg[3] = pv_kernel_root(vcpu), context.ctrlreg[4] = r.cr4;
  std::copy_n(r.dr, std::size(r.dr), context.debugreg);
  context.event_callback_eip = pv.event_callback;
  context.failsafe_callback_eip = pv.failsafe_callback;
  context.syscall_callback_eip = pv.syscall_callback;
  context.vm_assist = vcpu.memory->vm_assist;
  context.fs_base = r.fs_base;
  context.gs_base_kernel = pv_in_kernel(vcpu) ? r.gs_base : r.gs_base_kernel;
  context.gs_base_user = pv_in_kernel(vcpu) ? r.gs_base_kernel : r.gs_base;
}

}  // namespace hv
