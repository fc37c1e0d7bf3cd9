/// Hypercalls 3, 25 and 21: registers that a PV64 kernel cannot write itself, and assists it can ask for.
/// Source: public/xen.h, public/arch-x86/xen-x86_64.h.
#include "hv/base/fault.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/vcpu/pv_segments.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

constexpr uint64_t kPvAssists = 1ull << VMASST_TYPE_4gb_segments | 1ull << VMASST_TYPE_4gb_segments_notify |
                                1ull << VMASST_TYPE_writable_pagetables | 1ull << VMASST_TYPE_pae_extended_cr3 |
                                1ull << VMASST_TYPE_architectural_iopl | 1ull << VMASST_TYPE_runstate_update_flag |
                                1ull << VMASST_TYPE_m2p_strict;
constexpr uint64_t kHvmAssists = 1ull << VMASST_TYPE_runstate_update_flag;

int64_t set_base(uint64_t& base, uint64_t value) {
  if (!canonical(value)) return -XEN_EINVAL;
  base = value;
  return 0;
}

}  // namespace

/// Always 0; used at the next entry from user mode.
int64_t do_stack_switch(Call& call) {
  call.vcpu.pv->kernel_ss = call.arg[0] | 3;
  call.vcpu.pv->kernel_sp = call.arg[1];
  return 0;
}

/// The caller is in kernel mode, so the user's GS base is the one that is swapped out. EINVAL: not canonical, or no
/// such base.
int64_t do_set_segment_base(Call& call) {
  assay_regs& regs = call.vcpu.regs;
  switch (static_cast<uint32_t>(call.arg[0])) {
    case SEGBASE_FS:
      return set_base(regs.fs_base, call.arg[1]);
    case SEGBASE_GS_USER:
      if (!fault("pv.user_gs_not_canonical")) return set_base(regs.gs_base_kernel, call.arg[1]);
      regs.gs_base_kernel = call.arg[1];
      return 0;
    case SEGBASE_GS_KERNEL:
      return set_base(regs.gs_base, call.arg[1]);
    case SEGBASE_GS_USER_SEL:
      // One that cannot be loaded becomes null.
      regs.gs = static_cast<uint16_t>(call.arg[1]);
      if (!pv_selector_loadable(call.vcpu, regs.gs, regs.gs_base_kernel)) regs.gs = 0;
      if (regs.gs == 0) regs.gs_base_kernel = 0;
      return 0;
    default:
      return -XEN_EINVAL;
  }
}

/// Errors, in order: EINVAL type not for this kind of guest; ENOSYS no such command.
int64_t do_vm_assist(Call& call) {
  const uint64_t valid = call.vcpu.pv != nullptr ? kPvAssists : kHvmAssists;
  const uint64_t type = static_cast<uint32_t>(call.arg[1]);
  if (type >= 64 || (valid >> type & 1) == 0) return -XEN_EINVAL;
  uint64_t& assists = call.domain().memory.vm_assist;
  switch (static_cast<uint32_t>(call.arg[0])) {
    case VMASST_CMD_enable:
      assists |= uint64_t{1} << type;
      return 0;
    case VMASST_CMD_disable:
      assists &= ~(uint64_t{1} << type);
      return 0;
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace hv
