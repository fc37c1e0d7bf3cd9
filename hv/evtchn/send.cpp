/// How events travel.
#include "hv/base/fault.hpp"
#include "hv/evtchn/ports.hpp"

namespace hv {

namespace {

void deliver(EventChannels& channels, EventChannel& channel, Port port) {
  if (channel.consumer != nullptr) {
    channel.consumer(channels, channel.notify_vcpu, port);
  } else {
    channels.delivery->set_pending(channels, channel, port);
  }
}

}  // namespace

Status evtchn_send(EventChannels& channels, Port port) {
  EventChannel* channel = channel_at(channels, port);
  if (channel == nullptr) return fail(XEN_EINVAL);
  const LockGuard guard(channel->lock);
  if (channel->consumer != nullptr) return fail(XEN_EINVAL);
  switch (channel->state) {
    case PortState::kInterdomain: {
      const Port peer{channel->value};
      deliver(*channel->remote, channel_of(*channel->remote, peer), peer);
      return kOk;
    }
    case PortState::kIpi:
      channels.delivery->set_pending(channels, *channel, port);
      return kOk;
    case PortState::kUnbound:
      return kOk;  // nobody listens yet; the bind will leave an event with the peer
    default:
      return fail(XEN_EINVAL);
  }
}

void evtchn_raise_virq(EventChannels& channels, uint32_t vcpu_id, uint32_t virq) {
  HV_ASSERT(virq < NR_VIRQS && vcpu_id < channels.vcpus_max);
  if (channels.virq_ports == nullptr) return;
  const uint32_t* row = channels.virq_ports[vcpu_id];
  if (row == nullptr || row[virq] == 0) return;
  const Port port{row[virq]};
  EventChannel& channel = channel_of(channels, port);
  const LockGuard guard(channel.lock);
  if (channel.state != PortState::kVirq || channel.value != virq) return;
  channels.delivery->set_pending(channels, channel, port);
}

void evtchn_notify_via_xen(EventChannels& channels, Port port) {
  EventChannel* channel = channel_at(channels, port);
  if (channel == nullptr) return;
  const LockGuard guard(channel->lock);
  if (channel->state != PortState::kInterdomain) return;
  const Port peer{channel->value};
  deliver(*channel->remote, channel_of(*channel->remote, peer), peer);
}

Status evtchn_unmask(EventChannels& channels, Port port) {
  EventChannel* channel = channel_at(channels, port);
  if (channel == nullptr) return fail(XEN_EINVAL);
  const LockGuard guard(channel->lock);
  if (channel_usable(*channel)) channels.delivery->unmask(channels, *channel, port);
  return kOk;
}

Result<bool> evtchn_poll(EventChannels& channels, Port port) {
  const EventChannel* channel = channel_at(channels, port);
  if (channel == nullptr || !channel_usable(*channel)) {
    if (!fault("evtchn.poll_of_unusable_port")) return fail(XEN_EINVAL);
    return false;
  }
  return channels.delivery->is_pending(channels, port);
}

}  // namespace hv
