/// One guest's connection to the store: a stream of requests in, a stream of replies and watch events out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/devices/xenstore.hpp"

namespace assay {

class XenStoreConnection {
 public:
  /// Above this many bytes that the guest has not fetched, it is not to be listened to.
  static constexpr size_t kBacklogBytes = 64 << 10;

  /// `store` must outlive the connection. One connection per domain: it fetches all of the domain's watch events.
  XenStoreConnection(XenStore& store, DomId domain) : store_(&store), domain_(domain) {}

  /// Takes the next bytes of the stream and carries out every request that is complete. Each gets one reply, in order.
  /// A header that announces more than XENSTORE_PAYLOAD_MAX bytes breaks the connection.
  void feed(std::span<const std::byte> bytes);
  /// At most `max` bytes of what the guest is to read next. Events follow the replies to what caused them.
  std::vector<std::byte> take_output(size_t max);
  /// True when the guest should fetch what is there before it is fed more; a hint that feed() does not enforce.
  [[nodiscard]] bool is_backlogged() const { return output_.size() > kBacklogBytes; }

  /// Why nothing is read or written any more; empty while all is well.
  [[nodiscard]] const std::string& broken() const { return broken_; }
  /// Nothing is read or written from now on; drops what is in flight, and the domain's watches and transactions.
  void break_off(std::string reason);
  /// As a fresh connection: drops what is in flight, and the domain's watches and transactions.
  void reset();
  [[nodiscard]] DomId domain() const { return domain_; }

 private:
  void handle_message();
  void send(uint32_t type, uint32_t req_id, uint32_t tx_id, std::string_view payload);
  void send_events();

  XenStore* store_;
  DomId domain_;
  std::vector<std::byte> input_;  ///< a message that is not complete yet
  std::deque<std::byte> output_;
  std::string broken_;
};

}  // namespace assay
