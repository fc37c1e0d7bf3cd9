/// The 2-level ABI: one pending and one mask bit per port in shared_info, one selector bit per word in vcpu_info.
/// Source: public/xen.h, "Event channel endpoints per domain"; public/event_channel.h, "2-level".
#include "hv/base/fault.hpp"
#include "hv/evtchn/event_channels.hpp"

namespace hv {

namespace {

constexpr uint32_t kPortsPerWord = 64;

uint64_t port_bit(Port port) {
  return uint64_t{1} << (port.raw() % kPortsPerWord);
}
uint32_t port_word(Port port) {
  return port.raw() / kPortsPerWord;
}

class TwoLevel final : public Delivery {
 public:
  [[nodiscard]] uint32_t ports_max() const override { return kPorts2Level; }
  [[nodiscard]] bool has_priorities() const override { return false; }
  [[nodiscard]] bool is_busy(const EventChannels&, Port) const override { return false; }

  /// Order that guests rely on: pending, then (unless masked) selector, then upcall flag; pollers last.
  void set_pending(EventChannels& channels, EventChannel& channel, Port port) const override {
    xen_ulong_t& pending = channels.shared->evtchn_pending[port_word(port)];
    if ((pending & port_bit(port)) != 0) return;
    pending |= port_bit(port);
    between_guest_accesses(&pending);
    // Only now: whoever clears the mask bit later than this look sees the pending bit.
    const bool masked = (channels.shared->evtchn_mask[port_word(port)] & port_bit(port)) != 0;
    if (!masked || fault("evtchn.masked_event_announced")) {
      channels.sink->mark_pending(channel.notify_vcpu, port_word(port));
    }
    if (!masked || !fault("evtchn.masked_event_wakes_no_poller")) channels.sink->wake_pollers(port);
  }

  void clear_pending(EventChannels& channels, EventChannel&, Port port) const override {
    if (port.raw() >= kPorts2Level) return;  // the hypervisor's, from the time of another ABI
    channels.shared->evtchn_pending[port_word(port)] &= ~port_bit(port);
  }

  void unmask(EventChannels& channels, EventChannel& channel, Port port) const override {
    xen_ulong_t& mask = channels.shared->evtchn_mask[port_word(port)];
    if ((mask & port_bit(port)) == 0) return;
    mask &= ~port_bit(port);
    between_guest_accesses(&mask);
    if (!is_pending(channels, port) || fault("evtchn.unmask_announces_nothing")) return;
    channels.sink->mark_pending(channel.notify_vcpu, port_word(port));
  }

  [[nodiscard]] bool is_pending(const EventChannels& channels, Port port) const override {
    return port.raw() < kPorts2Level && (channels.shared->evtchn_pending[port_word(port)] & port_bit(port)) != 0;
  }
};

constexpr TwoLevel kTwoLevel;

}  // namespace

const Delivery& two_level() {
  return kTwoLevel;
}

}  // namespace hv
