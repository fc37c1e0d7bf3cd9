/// A guest that speaks the store's protocol, for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/devices/device_abi.hpp"
#include "sim/devices/xenstore_wire.hpp"

namespace assay::testing {

struct StoreMessage {
  xsd_sockmsg header{};
  std::string payload;
};

/// Each with a nul behind it.
std::string nul_terminated(std::initializer_list<std::string_view> strings);

std::vector<std::byte> encode(uint32_t type, std::string_view payload, uint32_t req_id = 1, uint32_t tx_id = 0);

/// Takes complete messages off the front of `stream`. A malformed one is a test failure.
std::vector<StoreMessage> decode(std::vector<std::byte>& stream);

class StoreClient {
 public:
  StoreClient(XenStore& store, DomId domain) : connection_(store, domain) {}

  /// Sends one request and returns its reply; events that come along are kept. A test failure unless there is exactly
  /// one reply, with the ids of the request.
  StoreMessage call(uint32_t type, std::string_view payload, uint32_t tx_id = 0);
  /// The payload of the reply, "OK" and errors without their nul.
  std::string say(uint32_t type, std::initializer_list<std::string_view> strings, uint32_t tx_id = 0);
  /// "path token" of each event since the last call.
  std::vector<std::string> events();
  [[nodiscard]] XenStoreConnection& connection() { return connection_; }

 private:
  /// Whatever is there, in bits of odd sizes.
  std::vector<StoreMessage> receive();

  XenStoreConnection connection_;
  std::vector<std::string> events_;
  uint32_t last_req_id_ = 100;
};

}  // namespace assay::testing
