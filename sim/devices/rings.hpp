/// The two pages that a guest shares with domain 0: rings of bytes of its console and of its connection to the store.
///
/// Everything in such a page can change at any time, also while it is read here. No index is kept outside of it, so a
/// page that is put back to an earlier state, or that another guest kernel takes over, is served as it is found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sim/base/strong.hpp"
#include "sim/devices/xenstore_wire.hpp"

struct xencons_interface;
struct xenstore_domain_interface;

namespace assay {

/// A page that outlives the ring, page-aligned.
using SharedPage = std::span<uint8_t, kPageSize>;

/// One call moves at most what fits into a ring. A guest whose indices are impossible is not served any more.
class ConsoleRing {
 public:
  explicit ConsoleRing(SharedPage page);

  /// What the guest wrote since. Not empty: indices moved, and the guest should get an event.
  std::string take_output();
  /// Offers the guest text to read; returns how many bytes there was room for. Not 0: as above.
  size_t put_input(std::string_view text);
  /// Why the ring is not served any more; empty while all is well.
  [[nodiscard]] const std::string& broken() const { return broken_; }

 private:
  xencons_interface* page_;
  std::string broken_;
};

class StoreRing {
 public:
  /// Advertises what is offered besides the rings: reconnection, and the error field.
  explicit StoreRing(SharedPage page);

  /// Moves requests from the guest to the connection and replies back, at most one ring's worth each way, and none to a
  /// connection with a backlog. True: indices moved, or an error or a reconnection was noted in the page, and the guest
  /// should get an event. Impossible indices and a broken connection end the service until the guest reconnects.
  bool pump(XenStoreConnection& connection);
  [[nodiscard]] const std::string& broken() const { return broken_; }

 private:
  bool take_requests(XenStoreConnection& connection);
  bool put_replies(XenStoreConnection& connection);
  void reconnect(XenStoreConnection& connection);
  void break_off(XenStoreConnection& connection, std::string reason, uint32_t error);

  xenstore_domain_interface* page_;
  std::string broken_;
};

}  // namespace assay
