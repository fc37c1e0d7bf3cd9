/// The operations that hand out a port.
#include "hv/domain/access.hpp"
#include "hv/evtchn/event_channels.hpp"
#include "hv/hypercall/event_channel_op.hpp"

namespace hv {

namespace {

/// Pirqs of a domain: the lines of the machine's one interrupt controller and 32 more; the control domain may count on.
/// The machine has no devices, so nobody has access to a line.
constexpr uint32_t kPirqs = 24 + 32;
constexpr uint32_t kPirqsOfControl = 24 + 512;

/// The port stays allocated when its number cannot be told: the ABI's behaviour.
template <typename Argument>
int64_t give_port(Call& call, Gva argument, Argument& value, uint32_t& field, const Result<Port>& port) {
  if (!port.ok()) return port.status().raw();
  field = port->raw();
  return write_guest(call.space(), argument, value) ? 0 : -XEN_EFAULT;
}

}  // namespace

int64_t evtchnop_alloc_unbound(Call& call, Gva argument) {
  evtchn_alloc_unbound_t alloc;
  if (!read_guest(call.space(), alloc, argument)) return -XEN_EFAULT;
  Domain& caller = call.domain();
  Domain* domain = domain_by_any_id(caller, alloc.dom);
  if (domain == nullptr) return -XEN_ESRCH;
  const DomId remote = alloc.remote_dom == DOMID_SELF ? caller.id : DomId{alloc.remote_dom};
  return give_port(call, argument, alloc, alloc.port,
                   evtchn_alloc_unbound(*domain->events, remote, may_act_on(caller, *domain)));
}

int64_t evtchnop_bind_interdomain(Call& call, Gva argument) {
  evtchn_bind_interdomain_t bind;
  if (!read_guest(call.space(), bind, argument)) return -XEN_EFAULT;
  Domain* remote = domain_by_any_id(call.domain(), bind.remote_dom);
  if (remote == nullptr) return -XEN_ESRCH;
  return give_port(call, argument, bind, bind.local_port,
                   evtchn_bind_interdomain(*call.domain().events, *remote->events, Port{bind.remote_port}));
}

int64_t evtchnop_bind_virq(Call& call, Gva argument) {
  evtchn_bind_virq_t bind;
  if (!read_guest(call.space(), bind, argument)) return -XEN_EFAULT;
  return give_port(call, argument, bind, bind.port, evtchn_bind_virq(*call.domain().events, bind.virq, bind.vcpu));
}

int64_t evtchnop_bind_pirq(Call& call, Gva argument) {
  evtchn_bind_pirq_t bind;
  if (!read_guest(call.space(), bind, argument)) return -XEN_EFAULT;
  Domain& caller = call.domain();
  if (bind.pirq >= (caller.privileged ? kPirqsOfControl : kPirqs)) return -XEN_EINVAL;
  if (caller.kind != GuestKind::kHvm) return -XEN_EPERM;
  return give_port(call, argument, bind, bind.port, evtchn_bind_pirq(*caller.events, bind.pirq));
}

int64_t evtchnop_bind_ipi(Call& call, Gva argument) {
  evtchn_bind_ipi_t bind;
  if (!read_guest(call.space(), bind, argument)) return -XEN_EFAULT;
  return give_port(call, argument, bind, bind.port, evtchn_bind_ipi(*call.domain().events, bind.vcpu));
}

}  // namespace hv
