/// How an event of a channel gets to the guest: one implementation an ABI. The operations of this folder know events
/// only through this; which one a domain has is `EventChannels::delivery`.
#pragma once

#include "hv/base/error.hpp"
#include "hv/base/host.hpp"
#include "hv/base/types.hpp"

namespace hv {

struct EventChannel;
struct EventChannels;

class Delivery {
 public:
  /// Ports of a domain with this ABI, port 0 included.
  [[nodiscard]] virtual uint32_t ports_max() const = 0;
  /// An event arrives at a port that is in use: pending, then announced to the vCPU it notifies unless masked, then to
  /// pollers, masked or not. An event that is pending already is not announced a second time.
  virtual void set_pending(EventChannels& channels, EventChannel& channel, Port port) const = 0;
  /// A closed port forgets its event; whether it is masked is the guest's business.
  virtual void clear_pending(EventChannels& channels, EventChannel& channel, Port port) const = 0;
  /// What was pending behind the mask is announced.
  virtual void unmask(EventChannels& channels, EventChannel& channel, Port port) const = 0;
  [[nodiscard]] virtual bool is_pending(const EventChannels& channels, Port port) const = 0;
  /// The guest still has the port in a list of its own: not to be handed out.
  [[nodiscard]] virtual bool is_busy(const EventChannels& channels, Port port) const = 0;
  /// The ABI knows priorities.
  [[nodiscard]] virtual bool has_priorities() const = 0;

 protected:
  ~Delivery() = default;
};

/// Two bits per port in shared_info: what every domain starts with.
[[nodiscard]] const Delivery& two_level();
/// Queues in memory that the guest supplied.
[[nodiscard]] const Delivery& fifo();

/// Other vCPUs see guest memory change step by step: called between two such steps.
inline void between_guest_accesses(const void* word) {
  host().point(host().ctx, ASSAY_POINT_GUEST_WRITE, word);
}

}  // namespace hv
