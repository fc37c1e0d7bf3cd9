/// The operations of the FIFO ABI.
#include "hv/evtchn/event_channels.hpp"
#include "hv/hypercall/event_channel_op.hpp"

namespace hv {

int64_t evtchnop_init_control(Call& call, Gva argument) {
  evtchn_init_control_t init;
  if (!read_guest(call.space(), init, argument)) return -XEN_EFAULT;
  init.link_bits = EVTCHN_FIFO_LINK_BITS;
  Domain& domain = call.domain();
  const Status status =
      evtchn_init_control(*domain.events, domain.memory, init.vcpu, Gfn{init.control_gfn}, init.offset);
  if (!status.ok()) return status.raw();
  // The control block stays registered when that cannot be told: the ABI's behaviour.
  return write_guest(call.space(), argument, init) ? 0 : -XEN_EFAULT;
}

int64_t evtchnop_expand_array(Call& call, Gva argument) {
  evtchn_expand_array_t expand;
  if (!read_guest(call.space(), expand, argument)) return -XEN_EFAULT;
  Domain& domain = call.domain();
  return evtchn_expand_array(*domain.events, domain.memory, Gfn{expand.array_gfn}).raw();
}

int64_t evtchnop_set_priority(Call& call, Gva argument) {
  evtchn_set_priority_t set;
  if (!read_guest(call.space(), set, argument)) return -XEN_EFAULT;
  return evtchn_set_priority(*call.domain().events, Port{set.port}, set.priority).raw();
}

}  // namespace hv
