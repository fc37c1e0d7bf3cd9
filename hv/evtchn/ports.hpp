/// Which ports exist and which are free: shared by the operations of this folder.
#pragma once

#include "hv/evtchn/event_channels.hpp"

namespace hv {

/// In use by the guest: bound or waiting to be, and not the hypervisor's.
inline bool channel_usable(const EventChannel& channel) {
  return channel.consumer == nullptr && channel.state > PortState::kReserved;
}

/// The lowest free port, which then exists; still free. Errors, in order: EINVAL dying; ENOSPC; ENOMEM.
/// The component's lock is held.
Result<Port> find_free_port(EventChannels& channels);
/// Gives a free port its first state.
EventChannel& claim_port(EventChannels& channels, Port port, PortState state, uint32_t vcpu_id);
/// Makes a port free again: no event, no consumer, vCPU 0.
void release_port(EventChannels& channels, Port port);

/// Both components' locks, lower id first; once when they are the same.
class [[nodiscard]] ComponentPairGuard {
 public:
  ComponentPairGuard(EventChannels& a, EventChannels& b);
  ~ComponentPairGuard();
  ComponentPairGuard(const ComponentPairGuard&) = delete;
  ComponentPairGuard& operator=(const ComponentPairGuard&) = delete;

 private:
  Lock* first_;
  Lock* second_;
};

/// Both channels' locks, in an order that does not depend on who asks.
class [[nodiscard]] ChannelPairGuard {
 public:
  ChannelPairGuard(EventChannel& a, EventChannel& b);
  ~ChannelPairGuard();
  ChannelPairGuard(const ChannelPairGuard&) = delete;
  ChannelPairGuard& operator=(const ChannelPairGuard&) = delete;

 private:
  Lock* first_;
  Lock* second_;
};

}  // namespace hv
