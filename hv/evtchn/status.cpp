/// What a port is, and which vCPU it notifies.
#include "hv/base/fault.hpp"
#include "hv/evtchn/ports.hpp"

namespace hv {

namespace {

void describe(const EventChannel& channel, evtchn_status_t& status) {
  status.vcpu = channel.notify_vcpu;
  switch (channel.state) {
    case PortState::kFree:
    case PortState::kReserved:
      status.status = EVTCHNSTAT_closed;
      break;
    case PortState::kUnbound:
      status.status = EVTCHNSTAT_unbound;
      status.u.unbound.dom = channel.remote_id.raw();
      break;
    case PortState::kInterdomain:
      status.status = EVTCHNSTAT_interdomain;
      status.u.interdomain.dom = channel.remote_id.raw();
      status.u.interdomain.port = channel.value;
      break;
    case PortState::kPirq:
      status.status = EVTCHNSTAT_pirq;
      status.u.pirq = channel.value;
      break;
    case PortState::kVirq:
      status.status = EVTCHNSTAT_virq;
      status.u.virq = channel.value;
      break;
    case PortState::kIpi:
      status.status = EVTCHNSTAT_ipi;
      break;
  }
}

bool movable(const EventChannel& channel) {
  if (channel.consumer != nullptr) return false;
  switch (channel.state) {
    case PortState::kUnbound:
    case PortState::kInterdomain:
    case PortState::kPirq:
      return true;
    case PortState::kVirq:
      return virq_is_global(channel.value);
    case PortState::kIpi:
      return fault("evtchn.ipi_moved");
    default:
      return false;
  }
}

}  // namespace

Status evtchn_status(EventChannels& channels, Port port, bool permitted, evtchn_status_t& status) {
  EventChannel* channel = channel_at(channels, port);
  if (channel == nullptr) return fail(XEN_EINVAL);
  const LockGuard guard(channel->lock);
  if (channel->consumer != nullptr) return fail(XEN_EACCES);
  if (!permitted && !fault("evtchn.status_of_anybody")) return fail(XEN_EPERM);
  describe(*channel, status);
  return kOk;
}

Status evtchn_bind_vcpu(EventChannels& channels, Port port, uint32_t vcpu_id) {
  if (!channels.sink->vcpu_exists(vcpu_id)) return fail(XEN_ENOENT);
  EventChannel* channel = channel_at(channels, port);
  if (channel == nullptr) return fail(XEN_EINVAL);
  const LockGuard guard(channels.lock);
  const LockGuard channel_guard(channel->lock);
  if (!movable(*channel)) return fail(XEN_EINVAL);
  channel->notify_vcpu = vcpu_id;
  return kOk;
}

}  // namespace hv
