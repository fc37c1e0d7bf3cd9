/// Events, a granted page and a timer between a guest and a partner on the same host: set up again on each host where
/// the guest arrives, as the ABI asks. Source: public/event_channel.h, public/grant_table.h, public/vcpu.h.
#pragma once

#include <string>

#include "sim/hosts/guest_calls.hpp"

namespace assay::hosts {

/// The other end, on one host.
struct Partner {
  explicit Partner(Domain& domain) : calls(domain), window(domain.alloc_pages(1)) {}
  GuestCalls calls;
  Gva window;  ///< where it maps what is granted to it
};

/// Of the guest; where its things lie in its memory does not change.
class Traffic {
 public:
  explicit Traffic(Domain& guest);

  void move_to(Domain& guest) { guest_.move_to(guest); }
  /// `partner` is a PV64 domain of the same host. Throws ToolstackError when the hypervisor refuses something.
  void connect(Partner& partner);
  /// Everything goes that could not move; what the partner has of the guest, too.
  void disconnect();
  [[nodiscard]] bool is_connected() const { return partner_ != nullptr; }
  /// An event each way, a word each way through the granted page. Says what went wrong.
  [[nodiscard]] std::string exercise();
  /// The guest's timer goes off once `ns` have passed, and not before. `wait` lets time pass.
  template <typename Wait>
  [[nodiscard]] std::string tick(uint64_t ns, Wait&& wait);

 private:
  void map_table();
  void unmap_table();
  void grant();
  void arm(uint64_t ns);

  GuestCalls guest_;
  Partner* partner_ = nullptr;
  Gva table_;                 ///< a page of the heap that shows the grant table
  Gva shared_;                ///< the page that is granted
  uint64_t table_entry_ = 0;  ///< PV64: what was mapped at table_
  uint32_t port_ = 0, timer_port_ = 0, partner_port_ = 0, handle_ = 0;
  uint64_t words_ = 0;
};

template <typename Wait>
std::string Traffic::tick(uint64_t ns, Wait&& wait) {
  arm(ns);
  if (guest_.take_event(timer_port_)) return "the timer went off before its time";
  wait(ns);
  return guest_.take_event(timer_port_) ? "" : "the timer did not go off";
}

}  // namespace assay::hosts
