/// Hypercalls 30, 28 and 4: where the guest kernel wants to be entered. Source: public/callback.h, public/nmi.h.
#include "hv/base/fault.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

namespace {

int64_t set_callback(PvState& pv, uint16_t type, uint16_t flags, uint64_t address) {
  const bool mask_events = (flags & CALLBACKF_mask_events) != 0;
  // Before the type is looked at.
  if (!canonical(address) && !fault("pv.callback_not_canonical")) return -XEN_EINVAL;
  switch (type) {
    case CALLBACKTYPE_event:
      pv.event_callback = address;
      return 0;
    case CALLBACKTYPE_failsafe:
      pv.failsafe_callback = address;
      pv.failsafe_disables_events = mask_events;
      return 0;
    case CALLBACKTYPE_syscall:
      pv.syscall_callback = address;
      pv.syscall_disables_events = mask_events;
      return 0;
    case CALLBACKTYPE_syscall32:
      pv.syscall32_callback = address;
      pv.syscall32_disables_events = mask_events;
      return 0;
    case CALLBACKTYPE_sysenter:
      pv.sysenter_callback = address;
      pv.sysenter_disables_events = mask_events;
      return 0;
    case CALLBACKTYPE_nmi:
      pv.nmi_callback = address;
      return 0;
    default:
      return -XEN_ENOSYS;
  }
}

int64_t register_one(Call& call) {
  callback_register_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  return set_callback(*call.vcpu.pv, args.type, args.flags, args.address);
}

/// Only the NMI callback can be taken back.
int64_t unregister_one(Call& call) {
  callback_unregister_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  switch (args.type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
    case CALLBACKTYPE_sysenter:
      return -XEN_EINVAL;
    case CALLBACKTYPE_nmi:
      call.vcpu.pv->nmi_callback = 0;
      return 0;
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace

int64_t do_callback_op(Call& call) {
  switch (static_cast<uint32_t>(call.arg[0])) {
    case CALLBACKOP_register:
      return register_one(call);
    case CALLBACKOP_unregister:
      return unregister_one(call);
    default:
      return -XEN_ENOSYS;
  }
}

/// The NMI callback by itself.
int64_t do_nmi_op(Call& call) {
  switch (static_cast<uint32_t>(call.arg[0])) {
    case XENNMI_register_callback: {
      xennmi_callback_t args;
      if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
      return set_callback(*call.vcpu.pv, CALLBACKTYPE_nmi, 0, args.handler_address);
    }
    case XENNMI_unregister_callback:
      call.vcpu.pv->nmi_callback = 0;
      return 0;
    default:
      return -XEN_ENOSYS;
  }
}

/// Always 0: an address that is not canonical leaves the old one.
int64_t do_set_callbacks(Call& call) {
  PvState& pv = *call.vcpu.pv;
  static_cast<void>(set_callback(pv, CALLBACKTYPE_event, 0, call.arg[0]));
  static_cast<void>(set_callback(pv, CALLBACKTYPE_failsafe, 0, call.arg[1]));
  static_cast<void>(set_callback(pv, CALLBACKTYPE_syscall, 0, call.arg[2]));
  return 0;
}

}  // namespace hv
