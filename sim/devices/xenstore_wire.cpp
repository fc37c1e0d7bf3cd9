#include "sim/devices/xenstore_wire.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "sim/devices/device_abi.hpp"
#include "sim/devices/store_requests.hpp"

namespace assay {

namespace {

constexpr size_t kHeaderBytes = sizeof(xsd_sockmsg);

xsd_sockmsg header_of(std::span<const std::byte> message) {
  xsd_sockmsg header;
  std::memcpy(&header, message.data(), sizeof header);
  return header;
}

/// How long the message will be, as far as can be told from its beginning.
size_t message_bytes(std::span<const std::byte> begun) {
  return begun.size() < kHeaderBytes ? kHeaderBytes : kHeaderBytes + header_of(begun).len;
}

}  // namespace

void XenStoreConnection::feed(std::span<const std::byte> bytes) {
  while (broken_.empty() && !bytes.empty()) {
    const size_t missing = message_bytes(input_) - input_.size();
    const std::span<const std::byte> next = bytes.first(std::min(missing, bytes.size()));
    input_.insert(input_.end(), next.begin(), next.end());
    bytes = bytes.subspan(next.size());
    if (input_.size() < kHeaderBytes) continue;
    if (const uint32_t length = header_of(input_).len; length > XENSTORE_PAYLOAD_MAX) {
      break_off("a request announces " + std::to_string(length) + " bytes of payload");
    } else if (input_.size() == message_bytes(input_)) {
      handle_message();
    }
  }
}

void XenStoreConnection::handle_message() {
  const xsd_sockmsg header = header_of(input_);
  const char* const payload = reinterpret_cast<const char*>(input_.data()) + kHeaderBytes;
  // What happened before this request is told before its reply, as long as the guest keeps up.
  send_events();
  const StoreReply reply = answer(*store_, {domain_, header.tx_id}, header.type, {payload, header.len});
  send(reply.type, header.req_id, header.tx_id, reply.payload);
  input_.clear();
}

std::vector<std::byte> XenStoreConnection::take_output(size_t max) {
  if (broken_.empty()) send_events();
  const auto count = static_cast<std::ptrdiff_t>(std::min(max, output_.size()));
  std::vector<std::byte> taken(output_.begin(), output_.begin() + count);
  output_.erase(output_.begin(), output_.begin() + count);
  return taken;
}

void XenStoreConnection::send_events() {
  while (!is_backlogged()) {
    const std::optional<StoreWatchEvent> event = store_->next_event(domain_);
    if (!event) return;
    send(XS_WATCH_EVENT, 0, 0, event->path + '\0' + event->token + '\0');
  }
}

void XenStoreConnection::send(uint32_t type, uint32_t req_id, uint32_t tx_id, std::string_view payload) {
  const xsd_sockmsg header = {type, req_id, tx_id, static_cast<uint32_t>(payload.size())};
  const auto append = [this](std::span<const std::byte> bytes) {
    output_.insert(output_.end(), bytes.begin(), bytes.end());
  };
  append(std::as_bytes(std::span(&header, 1)));
  append(std::as_bytes(std::span(payload)));
}

void XenStoreConnection::break_off(std::string reason) {
  reset();
  broken_ = std::move(reason);
}

void XenStoreConnection::reset() {
  broken_.clear();
  input_.clear();
  output_.clear();
  store_->reset(domain_);
}

}  // namespace assay
