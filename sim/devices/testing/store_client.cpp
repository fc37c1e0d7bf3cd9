#include "sim/devices/testing/store_client.hpp"

#include <gtest/gtest.h>

#include <cstring>

namespace assay::testing {

std::string nul_terminated(std::initializer_list<std::string_view> strings) {
  std::string joined;
  for (const std::string_view text : strings) joined.append(text).push_back('\0');
  return joined;
}

std::vector<std::byte> encode(uint32_t type, std::string_view payload, uint32_t req_id, uint32_t tx_id) {
  const xsd_sockmsg header = {type, req_id, tx_id, static_cast<uint32_t>(payload.size())};
  std::vector<std::byte> bytes(sizeof header + payload.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::ranges::copy(std::as_bytes(std::span(payload)), bytes.begin() + sizeof header);
  return bytes;
}

std::vector<StoreMessage> decode(std::vector<std::byte>& stream) {
  std::vector<StoreMessage> messages;
  size_t at = 0;
  while (stream.size() - at >= sizeof(xsd_sockmsg)) {
    StoreMessage message;
    std::memcpy(&message.header, stream.data() + at, sizeof message.header);
    EXPECT_LE(message.header.len, uint32_t{XENSTORE_PAYLOAD_MAX});
    if (stream.size() - at - sizeof message.header < message.header.len) break;
    message.payload.assign(reinterpret_cast<const char*>(stream.data()) + at + sizeof message.header,
                           message.header.len);
    at += sizeof message.header + message.header.len;
    messages.push_back(std::move(message));
  }
  stream.erase(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(at));
  return messages;
}

std::vector<StoreMessage> StoreClient::receive() {
  std::vector<std::byte> stream;
  for (;;) {
    const std::vector<std::byte> bytes = connection_.take_output(7);
    if (bytes.empty()) break;
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
  std::vector<StoreMessage> messages = decode(stream);
  EXPECT_TRUE(stream.empty()) << "half a message";
  return messages;
}

StoreMessage StoreClient::call(uint32_t type, std::string_view payload, uint32_t tx_id) {
  connection_.feed(encode(type, payload, ++last_req_id_, tx_id));
  StoreMessage reply;
  unsigned replies = 0;
  for (StoreMessage& message : receive()) {
    if (message.header.type == XS_WATCH_EVENT) {
      EXPECT_EQ(message.header.req_id, 0u);
      EXPECT_EQ(message.header.tx_id, 0u);
      const size_t nul = message.payload.find('\0');
      events_.push_back(message.payload.substr(0, nul) + " " +
                        message.payload.substr(nul + 1, message.payload.size() - nul - 2));
    } else {
      reply = std::move(message);
      ++replies;
    }
  }
  EXPECT_EQ(replies, 1u);
  EXPECT_EQ(reply.header.req_id, last_req_id_);
  EXPECT_EQ(reply.header.tx_id, tx_id);
  EXPECT_TRUE(reply.header.type == type || reply.header.type == XS_ERROR) << reply.header.type;
  return reply;
}

std::string StoreClient::say(uint32_t type, std::initializer_list<std::string_view> strings, uint32_t tx_id) {
  std::string payload = nul_terminated(strings);
  // A value has no nul behind it.
  if (type == XS_WRITE && !payload.empty()) payload.pop_back();
  std::string reply = call(type, payload, tx_id).payload;
  if (reply.ends_with('\0')) reply.pop_back();
  return reply;
}

std::vector<std::string> StoreClient::events() {
  (void)say(XS_GET_DOMAIN_PATH, {"0"});  // fetches what is pending
  return std::exchange(events_, {});
}

}  // namespace assay::testing
