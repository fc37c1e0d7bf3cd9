/// The 2-level ABI: one pending and one mask bit per port in shared_info, one selector bit per word in vcpu_info.
/// Source: public/xen.h, "Event channel endpoints per domain"; public/event_channel.h, "2-level".
#pragma once

#include "hv/evtchn/event_channels.hpp"

namespace hv {

inline uint64_t port_bit(Port port) {
  return uint64_t{1} << (port.raw() % kPortsPerWord);
}
inline uint32_t port_word(Port port) {
  return port.raw() / kPortsPerWord;
}

/// An event arrives. Order that guests rely on: pending, then (unless masked) selector, then upcall flag; pollers last,
/// masked or not. An event that is pending already changes nothing.
inline void two_level_set_pending(EventChannels& channels, uint32_t vcpu_id, Port port) {
  const uint32_t word = port_word(port);
  const uint64_t bit = port_bit(port);
  if ((channels.shared->evtchn_pending[word] & bit) != 0) return;
  channels.shared->evtchn_pending[word] |= bit;
  if ((channels.shared->evtchn_mask[word] & bit) == 0) channels.sink->mark_pending(vcpu_id, word);
  channels.sink->wake_pollers(port);
}

/// A closed port forgets its event; its mask bit is the guest's.
inline void two_level_clear_pending(EventChannels& channels, Port port) {
  channels.shared->evtchn_pending[port_word(port)] &= ~port_bit(port);
}

inline void two_level_unmask(EventChannels& channels, uint32_t vcpu_id, Port port) {
  const uint32_t word = port_word(port);
  const uint64_t bit = port_bit(port);
  if ((channels.shared->evtchn_mask[word] & bit) == 0) return;
  channels.shared->evtchn_mask[word] &= ~bit;
  if ((channels.shared->evtchn_pending[word] & bit) != 0) channels.sink->mark_pending(vcpu_id, word);
}

}  // namespace hv
