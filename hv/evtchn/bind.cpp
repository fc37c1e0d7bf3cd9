/// How a port gets its binding.
#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/evtchn/ports.hpp"

namespace hv {

bool virq_is_global(uint32_t virq) {
  switch (virq) {
    case VIRQ_TIMER:
    case VIRQ_DEBUG:
    case VIRQ_XENOPROF:
    case VIRQ_XENPMU:
      return false;
    default:
      return true;
  }
}

Result<Port> evtchn_alloc_unbound(EventChannels& channels, DomId remote, bool permitted) {
  const LockGuard guard(channels.lock);
  const Result<Port> port = find_free_port(channels);
  if (!port.ok()) return port.status();
  // A full domain answers ENOSPC even to those who may not ask: the ABI's order.
  const bool too_early = fault("evtchn.refused_alloc_keeps_port");
  if (!permitted && !too_early) return fail(XEN_EPERM);
  EventChannel& channel = channel_of(channels, *port);
  const LockGuard channel_guard(channel.lock);
  claim_port(channels, *port, PortState::kUnbound, 0).remote_id = remote;
  return permitted ? port : fail(XEN_EPERM);
}

Result<Port> evtchn_alloc_for_xen(EventChannels& channels, uint32_t vcpu_id, DomId remote, XenConsumer consumer) {
  HV_ASSERT(consumer != nullptr);
  const LockGuard guard(channels.lock);
  const Result<Port> port = find_free_port(channels);
  if (!port.ok()) return port.status();
  EventChannel& channel = channel_of(channels, *port);
  const LockGuard channel_guard(channel.lock);
  claim_port(channels, *port, PortState::kUnbound, vcpu_id);
  channel.remote_id = remote;
  channel.consumer = consumer;
  ++channels.xen_ports;
  return port;
}

Result<Port> evtchn_bind_interdomain(EventChannels& local, EventChannels& remote, Port remote_port) {
  const ComponentPairGuard guard(local, remote);
  const Result<Port> port = find_free_port(local);
  if (!port.ok()) return port.status();
  EventChannel* peer = channel_at(remote, remote_port);
  if (peer == nullptr || peer->state != PortState::kUnbound ||
      (peer->remote_id != local.id && !fault("evtchn.bind_for_anybody"))) {
    return fail(XEN_EINVAL);
  }
  EventChannel& channel = channel_of(local, *port);
  const ChannelPairGuard channel_guard(channel, *peer);
  claim_port(local, *port, PortState::kInterdomain, 0);
  channel.remote = &remote;
  channel.remote_id = remote.id;
  channel.value = remote_port.raw();
  peer->state = PortState::kInterdomain;
  peer->remote = &local;
  peer->remote_id = local.id;
  peer->value = port->raw();
  // What was sent to the peer while nobody was bound is not lost: the new port starts with an event.
  if (!fault("evtchn.bind_loses_event")) local.delivery->set_pending(local, channel, *port);
  return port;
}

Result<Port> evtchn_bind_virq(EventChannels& channels, uint32_t virq, uint32_t vcpu_id) {
  if (virq >= NR_VIRQS) return fail(XEN_EINVAL);
  if (virq_is_global(virq) && vcpu_id != 0 && !fault("evtchn.global_virq_on_any_vcpu")) return fail(XEN_EINVAL);
  if (!channels.sink->vcpu_exists(vcpu_id)) return fail(XEN_ENOENT);
  const LockGuard guard(channels.lock);
  uint32_t*& row = channels.virq_ports[vcpu_id];
  if (row != nullptr && row[virq] != 0) return fail(XEN_EEXIST);
  const Result<Port> port = find_free_port(channels);
  if (!port.ok()) return port.status();
  if (row == nullptr) row = arena_array<uint32_t>(NR_VIRQS);
  if (row == nullptr) return fail(XEN_ENOMEM);
  EventChannel& channel = channel_of(channels, *port);
  const LockGuard channel_guard(channel.lock);
  claim_port(channels, *port, PortState::kVirq, vcpu_id).value = virq;
  row[virq] = port->raw();
  return port;
}

Result<Port> evtchn_bind_ipi(EventChannels& channels, uint32_t vcpu_id) {
  if (!channels.sink->vcpu_exists(vcpu_id)) return fail(XEN_ENOENT);
  const LockGuard guard(channels.lock);
  const Result<Port> port = find_free_port(channels);
  if (!port.ok()) return port.status();
  EventChannel& channel = channel_of(channels, *port);
  const LockGuard channel_guard(channel.lock);
  claim_port(channels, *port, PortState::kIpi, vcpu_id);
  return port;
}

Result<Port> evtchn_bind_pirq(EventChannels& channels, uint32_t pirq) {
  const LockGuard guard(channels.lock);
  for (uint32_t number = 1; number < channels.valid_ports; ++number) {
    const EventChannel& other = channel_of(channels, Port{number});
    if (other.state == PortState::kPirq && other.value == pirq) return fail(XEN_EEXIST);
  }
  const Result<Port> port = find_free_port(channels);
  if (!port.ok()) return port.status();
  EventChannel& channel = channel_of(channels, *port);
  const LockGuard channel_guard(channel.lock);
  claim_port(channels, *port, PortState::kPirq, 0).value = pirq;
  return port;
}

}  // namespace hv
