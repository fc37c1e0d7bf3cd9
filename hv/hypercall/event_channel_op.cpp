/// Hypercalls 32 and 16: which operation.
#include "hv/hypercall/event_channel_op.hpp"

namespace hv {

namespace {

/// The public headers show the number to the hypervisor only, but guests reach it too.
constexpr uint32_t kResetContinued = 14;

int64_t dispatch(Call& call, uint32_t command, Gva argument) {
  switch (command) {
    case EVTCHNOP_send:
      return evtchnop_send(call, argument);
    case EVTCHNOP_alloc_unbound:
      return evtchnop_alloc_unbound(call, argument);
    case EVTCHNOP_bind_interdomain:
      return evtchnop_bind_interdomain(call, argument);
    case EVTCHNOP_bind_virq:
      return evtchnop_bind_virq(call, argument);
    case EVTCHNOP_bind_pirq:
      return evtchnop_bind_pirq(call, argument);
    case EVTCHNOP_bind_ipi:
      return evtchnop_bind_ipi(call, argument);
    case EVTCHNOP_close:
      return evtchnop_close(call, argument);
    case EVTCHNOP_status:
      return evtchnop_status(call, argument);
    case EVTCHNOP_bind_vcpu:
      return evtchnop_bind_vcpu(call, argument);
    case EVTCHNOP_unmask:
      return evtchnop_unmask(call, argument);
    case EVTCHNOP_reset:
      return evtchnop_reset(call, argument, false);
    case kResetContinued:
      return evtchnop_reset(call, argument, true);
    case EVTCHNOP_init_control:
      return evtchnop_init_control(call, argument);
    case EVTCHNOP_expand_array:
      return evtchnop_expand_array(call, argument);
    case EVTCHNOP_set_priority:
      return evtchnop_set_priority(call, argument);
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace

int64_t do_event_channel_op(Call& call) {
  return dispatch(call, static_cast<uint32_t>(call.arg[0]), call.pointer(1));
}

int64_t do_event_channel_op_compat(Call& call) {
  evtchn_op_t op;
  if (!read_guest(call.space(), op, call.pointer(0))) return -XEN_EFAULT;
  if (op.cmd > EVTCHNOP_unmask) return -XEN_ENOSYS;
  return dispatch(call, op.cmd, Gva{call.arg[0] + offsetof(evtchn_op_t, u)});
}

}  // namespace hv
