/// Events and a granted page between a guest and a partner on the same host: set up again on each host where the guest
/// arrives, as the ABI asks. Source: public/event_channel.h, public/grant_table.h, public/sched.h (SHUTDOWN_suspend).
#pragma once

#include <array>
#include <functional>
#include <string>

#include "sim/hosts/guest_calls.hpp"

namespace assay::hosts {

/// Pages that the guest shares: one that both write, and one that the partner alone writes.
constexpr uint64_t kGrants = 2;

/// The other end, on one host.
struct Partner {
  explicit Partner(Domain& domain) : calls(domain), window(domain.alloc_pages(kGrants)) {}
  GuestCalls calls;
  Gva window;  ///< where it maps what is granted to it, page by page
};

/// Of the guest; where its things lie in its memory does not change.
class Traffic {
 public:
  explicit Traffic(Domain& guest);

  void move_to(Domain& guest) { guest_.move_to(guest); }
  /// `partner` is a PV64 domain of the same host. Says what the guest has there that it cannot have. Throws
  /// ToolstackError when the hypervisor refuses something.
  [[nodiscard]] std::string connect(Partner& partner);
  /// Everything goes that could not move; what the partner has of the guest, too, which it has written before: that is
  /// noted when the mapping goes, as if the guest had written.
  void disconnect();

  /// In place of disconnect(): the guest suspends itself with a page granted that the partner has mapped, and a channel
  /// that is open. It gives up the page that shows the table alone, which is no memory of its own. An event comes while
  /// it sleeps.
  void leave_open();
  /// It was left open, and the guest goes on where it was: says what is not as it was.
  [[nodiscard]] std::string go_on();
  /// It was left open, and the guest has gone and was destroyed: the partner still has its mapping and a channel to
  /// nobody, and lets go of both. Says what of it is not so. `is_there`: whether the hypervisor still knows the guest.
  [[nodiscard]] std::string bury(const std::function<bool()>& is_there);
  [[nodiscard]] bool is_connected() const { return partner_ != nullptr; }
  /// An event each way, a word each way through the granted page. Says what went wrong.
  [[nodiscard]] std::string exercise();

 private:
  void map_table();
  void unmap_table();
  [[nodiscard]] std::string grant(uint64_t page);
  [[nodiscard]] Gva entry(uint64_t page) const;
  void send(const GuestCalls& calls, uint32_t port) const;
  void let_go();

  GuestCalls guest_;
  Partner* partner_ = nullptr;
  Gva table_;                 ///< a page of the heap that shows the grant table
  Gva shared_;                ///< the pages that are granted, one behind the other
  uint64_t table_entry_ = 0;  ///< PV64: what was mapped at table_
  uint32_t port_ = 0, partner_port_ = 0;
  std::array<uint32_t, kGrants> handles_{};
  uint64_t words_ = 0;
};

}  // namespace assay::hosts
