#include "hv/evtchn/ports.hpp"

#include <functional>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"

namespace hv {

namespace {

Status add_bucket(EventChannels& channels) {
  auto* bucket = arena_array<EventChannel>(kPortsPerBucket);
  if (bucket == nullptr) return fail(XEN_ENOMEM);
  for (uint32_t i = 0; i < kPortsPerBucket; ++i) new (&bucket[i]) EventChannel;
  channels.buckets[channels.valid_ports / kPortsPerBucket] = bucket;
  channels.valid_ports += kPortsPerBucket;
  return kOk;
}

}  // namespace

Status evtchn_init(EventChannels& channels, uint32_t max_port, uint32_t vcpus_max) {
  channels.max_port = max_port;
  channels.vcpus_max = vcpus_max;
  channels.virq_ports = arena_array<uint32_t*>(vcpus_max);
  if (channels.virq_ports == nullptr) return fail(XEN_ENOMEM);
  if (const Status status = add_bucket(channels); !status.ok()) {
    evtchn_free_memory(channels);
    return status;
  }
  channels.buckets[0][0].state = PortState::kReserved;
  return kOk;
}

void evtchn_free_memory(EventChannels& channels) {
  HV_ASSERT(channels.active_ports == 0 && channels.fifo == nullptr);
  for (EventChannel*& bucket : channels.buckets) {
    arena_array_free(bucket, kPortsPerBucket);
    bucket = nullptr;
  }
  channels.valid_ports = 0;
  if (channels.virq_ports == nullptr) return;
  for (uint32_t i = 0; i < channels.vcpus_max; ++i) arena_array_free(channels.virq_ports[i], NR_VIRQS);
  arena_array_free(channels.virq_ports, channels.vcpus_max);
  channels.virq_ports = nullptr;
}

Result<Port> find_free_port(EventChannels& channels) {
  if (channels.dying) return fail(XEN_EINVAL);
  const uint32_t limit = channels.delivery->ports_max();
  bool skipped = false;
  const uint64_t last = uint64_t{channels.max_port} + (fault("evtchn.one_port_too_many") ? 1 : 0);
  for (uint32_t number = channels.first_free; number <= last && number < limit; ++number) {
    const Port port{number};
    if (number >= channels.valid_ports) {
      if (const Status status = add_bucket(channels); !status.ok()) return status;
    }
    if (channel_of(channels, port).state != PortState::kFree) continue;
    // What is free, but busy, counts for the hint: the guest may let go of it any time.
    if (!skipped) channels.first_free = number;
    if (!channels.delivery->is_busy(channels, port)) return port;
    skipped = true;
  }
  return fail(XEN_ENOSPC);
}

EventChannel& claim_port(EventChannels& channels, Port port, PortState state, uint32_t vcpu_id) {
  EventChannel& channel = channel_of(channels, port);
  HV_ASSERT(channel.state == PortState::kFree && channel.consumer == nullptr);
  channel.state = state;
  channel.notify_vcpu = vcpu_id;
  if (!fault("fifo.stale_priority")) channel.priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
  ++channels.active_ports;
  return channel;
}

void release_port(EventChannels& channels, Port port) {
  EventChannel& channel = channel_of(channels, port);
  HV_ASSERT(channel.state > PortState::kReserved && channels.active_ports > 0);
  if (!fault("evtchn.close_keeps_pending")) channels.delivery->clear_pending(channels, channel, port);
  --channels.active_ports;
  if (channel.consumer != nullptr) --channels.xen_ports;
  channel.state = PortState::kFree;
  channel.consumer = nullptr;
  channel.remote = nullptr;
  channel.remote_id = DomId{};
  channel.value = 0;
  channel.notify_vcpu = 0;
  if (port.raw() < channels.first_free && !fault("evtchn.freed_port_never_reused")) channels.first_free = port.raw();
}

ComponentPairGuard::ComponentPairGuard(EventChannels& a, EventChannels& b)
    : first_(a.id < b.id ? &a.lock : &b.lock), second_(a.id < b.id ? &b.lock : &a.lock) {
  first_->lock();
  if (second_ != first_) second_->lock();
}

ComponentPairGuard::~ComponentPairGuard() {
  if (second_ != first_) second_->unlock();
  first_->unlock();
}

ChannelPairGuard::ChannelPairGuard(EventChannel& a, EventChannel& b)
    : first_(std::less<>{}(&a, &b) ? &a.lock : &b.lock), second_(std::less<>{}(&a, &b) ? &b.lock : &a.lock) {
  first_->lock();
  if (second_ != first_) second_->lock();
}

ChannelPairGuard::~ChannelPairGuard() {
  if (second_ != first_) second_->unlock();
  first_->unlock();
}

}  // namespace hv
