/// How ports lose their bindings: one by one, by reset, and with the domain.
#include "hv/base/fault.hpp"
#include "hv/evtchn/ports.hpp"

namespace hv {

namespace {

constexpr uint32_t kPortsBetweenChecks = 64;

/// The peer waits again, for this domain only. It keeps its pending event, its mask and its vCPU.
void disconnect(EventChannels& channels, Port port) {
  EventChannel& channel = channel_of(channels, port);
  EventChannel& peer = channel_of(*channel.remote, Port{channel.value});
  HV_ASSERT(peer.state == PortState::kInterdomain && peer.remote == &channels && peer.value == port.raw());
  const ChannelPairGuard guard(channel, peer);
  peer.state = PortState::kUnbound;
  peer.remote = nullptr;
  peer.remote_id = channels.id;
  peer.value = 0;
  release_port(channels, port);
}

/// The component's lock is held, and the peer's when there is one.
void close_locked(EventChannels& channels, Port port) {
  EventChannel& channel = channel_of(channels, port);
  if (channel.state == PortState::kInterdomain) {
    disconnect(channels, port);
    return;
  }
  const LockGuard guard(channel.lock);
  if (channel.state == PortState::kVirq) {
    // A global virq stays in vCPU 0's row wherever it notifies.
    const uint32_t vcpu_id = virq_is_global(channel.value) ? 0 : channel.notify_vcpu;
    HV_ASSERT(channels.virq_ports[vcpu_id][channel.value] == port.raw());
    const bool moved = vcpu_id != channel.notify_vcpu;
    if (!(moved && fault("evtchn.moved_virq_closed_in_wrong_row"))) channels.virq_ports[vcpu_id][channel.value] = 0;
  }
  release_port(channels, port);
}

bool closable(const EventChannel& channel, bool by_xen) {
  return channel.state > PortState::kReserved &&
         (by_xen || channel.consumer == nullptr || fault("evtchn.hypervisor_port_closed"));
}

}  // namespace

Status evtchn_close(EventChannels& channels, Port port, bool by_xen) {
  EventChannel* channel = channel_at(channels, port);
  if (channel == nullptr) return fail(XEN_EINVAL);
  while (true) {
    EventChannels* remote = channel->state == PortState::kInterdomain ? channel->remote : &channels;
    const ComponentPairGuard guard(channels, *remote);
    if (!closable(*channel, by_xen)) return fail(XEN_EINVAL);
    // The binding may have changed before the locks were held.
    const bool same = channel->state == PortState::kInterdomain ? channel->remote == remote : remote == &channels;
    if (!same) continue;
    close_locked(channels, port);
    return kOk;
  }
}

Result<ResetProgress> evtchn_reset(EventChannels& channels, bool continued, bool (*preempt)(void*), void* context) {
  uint32_t number;
  {
    const LockGuard guard(channels.lock);
    if (continued != (channels.reset_next != 0) && !fault("evtchn.reset_continued_by_anybody")) return fail(XEN_EBUSY);
    if (!continued) channels.reset_next = 1;
    number = channels.reset_next;
  }
  const uint32_t end = channels.valid_ports - (fault("evtchn.reset_misses_last_port") ? 1 : 0);
  for (; number < end; ++number) {
    static_cast<void>(evtchn_close(channels, Port{number}));
    if (number % kPortsBetweenChecks == 0 && !fault("evtchn.reset_not_preemptible") && preempt(context)) {
      const LockGuard guard(channels.lock);
      channels.reset_next = number + 1;
      return ResetProgress::kPreempted;
    }
  }
  const LockGuard guard(channels.lock);
  channels.reset_next = 0;
  if (channels.active_ports > channels.xen_ports) return fail(XEN_EAGAIN);
  if (!fault("evtchn.reset_stays_fifo")) evtchn_leave_fifo(channels);
  return ResetProgress::kDone;
}

ResetProgress evtchn_close_all(EventChannels& channels, bool (*preempt)(void*), void* context) {
  {
    const LockGuard guard(channels.lock);
    channels.dying = true;
  }
  for (uint32_t number = 1; number < channels.valid_ports; ++number) {
    const EventChannel& channel = channel_of(channels, Port{number});
    if (channel.state <= PortState::kReserved) continue;
    static_cast<void>(evtchn_close(channels, Port{number}, true));
    if (number % kPortsBetweenChecks == 0 && preempt(context)) return ResetProgress::kPreempted;
  }
  const LockGuard guard(channels.lock);
  evtchn_leave_fifo(channels);
  return ResetProgress::kDone;
}

}  // namespace hv
