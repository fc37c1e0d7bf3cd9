#include "sim/devices/rings.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "sim/devices/device_abi.hpp"

namespace assay {

namespace {

static_assert(sizeof(xencons_interface) <= kPageSize && sizeof(xenstore_domain_interface) <= kPageSize);

uint32_t load(const uint32_t& shared) {
  return __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
}
void publish(uint32_t& shared, uint32_t value) {
  __atomic_store_n(&shared, value, __ATOMIC_RELEASE);
}

template <typename Interface>
Interface* interface_in(SharedPage page) {
  if (reinterpret_cast<uintptr_t>(page.data()) % kPageSize != 0) throw std::logic_error("a ring outside of a page");
  return static_cast<Interface*>(static_cast<void*>(page.data()));
}

/// One direction. Indices run freely and wrap with their type, a ring's size divides what they count to.
class Bytes {
 public:
  template <size_t kSize>
  Bytes(char (&ring)[kSize], uint32_t& consumer, uint32_t& producer)
      : ring_(ring),
        size_(kSize),
        consumer_(consumer),
        producer_(producer),
        read_(load(consumer)),
        written_(load(producer)) {
    static_assert((kSize & (kSize - 1)) == 0);
  }

  /// True when the two indices cannot be of one ring. They are looked at once, by the constructor.
  [[nodiscard]] bool is_impossible() const { return used() > size_; }
  [[nodiscard]] uint32_t used() const { return written_ - read_; }
  [[nodiscard]] uint32_t room() const { return size_ - used(); }

  std::string take() {
    std::string bytes(used(), '\0');
    const uint32_t at = read_ % size_;
    const size_t first = std::min<size_t>(bytes.size(), size_ - at);
    std::memcpy(bytes.data(), ring_ + at, first);
    std::memcpy(bytes.data() + first, ring_, bytes.size() - first);
    if (!bytes.empty()) publish(consumer_, written_);
    return bytes;
  }

  /// `bytes` must fit.
  void put(std::span<const std::byte> bytes) {
    const uint32_t at = written_ % size_;
    const size_t first = std::min<size_t>(bytes.size(), size_ - at);
    std::memcpy(ring_ + at, bytes.data(), first);
    std::memcpy(ring_, bytes.data() + first, bytes.size() - first);
    publish(producer_, written_ + static_cast<uint32_t>(bytes.size()));
  }

  [[nodiscard]] std::string describe(const char* name) const {
    return std::string(name) + " ring: producer " + std::to_string(written_) + ", consumer " + std::to_string(read_) +
           ", size " + std::to_string(size_);
  }

 private:
  char* ring_;
  uint32_t size_;
  uint32_t& consumer_;
  uint32_t& producer_;
  uint32_t read_;
  uint32_t written_;
};

}  // namespace

ConsoleRing::ConsoleRing(SharedPage page) : page_(interface_in<xencons_interface>(page)) {}

std::string ConsoleRing::take_output() {
  Bytes output(page_->out, page_->out_cons, page_->out_prod);
  if (broken_.empty() && output.is_impossible()) broken_ = output.describe("console output");
  return broken_.empty() ? output.take() : "";
}

size_t ConsoleRing::put_input(std::string_view text) {
  Bytes input(page_->in, page_->in_cons, page_->in_prod);
  if (broken_.empty() && input.is_impossible()) broken_ = input.describe("console input");
  if (!broken_.empty()) return 0;
  const std::string_view fitting = text.substr(0, input.room());
  if (!fitting.empty()) input.put(std::as_bytes(std::span(fitting)));
  return fitting.size();
}

StoreRing::StoreRing(SharedPage page) : page_(interface_in<xenstore_domain_interface>(page)) {
  publish(page_->server_features, XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR);
}

bool StoreRing::pump(XenStoreConnection& connection) {
  if (load(page_->connection) == XENSTORE_RECONNECT) {
    reconnect(connection);
    return true;
  }
  if (!broken_.empty()) return false;
  const bool took = take_requests(connection);
  const bool put = broken_.empty() && put_replies(connection);
  return took || put || !broken_.empty();
}

bool StoreRing::take_requests(XenStoreConnection& connection) {
  Bytes requests(page_->req, page_->req_cons, page_->req_prod);
  if (requests.is_impossible()) {
    break_off(connection, requests.describe("store request"), XENSTORE_ERROR_RINGIDX);
    return true;
  }
  if (connection.is_backlogged()) return false;
  const std::string bytes = requests.take();
  connection.feed(std::as_bytes(std::span(bytes)));
  if (!connection.broken().empty()) break_off(connection, connection.broken(), XENSTORE_ERROR_PROTO);
  return !bytes.empty();
}

bool StoreRing::put_replies(XenStoreConnection& connection) {
  Bytes replies(page_->rsp, page_->rsp_cons, page_->rsp_prod);
  if (replies.is_impossible()) {
    break_off(connection, replies.describe("store reply"), XENSTORE_ERROR_RINGIDX);
    return true;
  }
  const std::vector<std::byte> bytes = connection.take_output(replies.room());
  if (!bytes.empty()) replies.put(bytes);
  return !bytes.empty();
}

/// Source: xenstore-ring.txt, reconnection: all that was under way is dropped, the rings are empty afterwards.
void StoreRing::reconnect(XenStoreConnection& connection) {
  connection.reset();
  broken_.clear();
  for (uint32_t* index : {&page_->req_cons, &page_->req_prod, &page_->rsp_cons, &page_->rsp_prod}) publish(*index, 0);
  publish(page_->error, XENSTORE_ERROR_NONE);
  publish(page_->connection, XENSTORE_CONNECTED);
}

void StoreRing::break_off(XenStoreConnection& connection, std::string reason, uint32_t error) {
  publish(page_->error, error);
  connection.break_off(reason);
  broken_ = std::move(reason);
}

}  // namespace assay
