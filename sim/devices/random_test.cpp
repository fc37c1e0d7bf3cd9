/// Random guests: whatever they send, the store stays whole and answers each request once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>

#include "sim/devices/rings.hpp"
#include "sim/devices/store_audit.hpp"
#include "sim/devices/testing/store_client.hpp"
#include "sim/engine/rng.hpp"

namespace assay {
namespace {

using testing::decode;
using testing::encode;
using ::testing::IsEmpty;
using testing::StoreMessage;

constexpr uint32_t kTypes[] = {XS_READ,
                               XS_WRITE,
                               XS_MKDIR,
                               XS_RM,
                               XS_DIRECTORY,
                               XS_DIRECTORY_PART,
                               XS_GET_PERMS,
                               XS_SET_PERMS,
                               XS_WATCH,
                               XS_UNWATCH,
                               XS_TRANSACTION_START,
                               XS_TRANSACTION_END,
                               XS_GET_DOMAIN_PATH,
                               XS_IS_DOMAIN_INTRODUCED};

/// Words that make requests which mean something, and some which do not.
constexpr std::string_view kWords[] = {
    "a",  "a/b", "a/b/c", "b",  "/", "/shared", "/shared/x", "/local/domain/1/a", "T", "F", "0", "1", "n1", "b1",
    "r2", "w3",  "n2",    "n3", "",  "//",      "@x",        "@releaseDomain"};

std::string random_bytes(Rng& rng, size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(rng.below(256));
  return bytes;
}

std::string random_payload(Rng& rng) {
  if (rng.one_in(50)) return random_bytes(rng, rng.below(64));
  if (rng.one_in(500)) return random_bytes(rng, rng.below(XENSTORE_PAYLOAD_MAX + 1));
  std::string payload;
  for (uint64_t words = rng.below(4) + (rng.one_in(3) ? 0 : 1); words > 0; --words) {
    payload += kWords[rng.below(std::size(kWords))];
    payload += '\0';
  }
  if (rng.one_in(8) && !payload.empty()) payload.pop_back();
  return payload;
}

/// Requests are right half of the time, from the words that fit.
struct Draft {
  uint32_t type;
  std::string payload;
};

Draft random_request(Rng& rng) {
  Draft draft{kTypes[rng.below(std::size(kTypes))], random_payload(rng)};
  if (rng.one_in(200)) draft.type = XS_RESET_WATCHES;
  if (rng.one_in(100)) draft.type = static_cast<uint32_t>(rng.next());
  const std::string path(kWords[rng.below(8)]);
  if (rng.one_in(2)) return draft;
  if (draft.type == XS_TRANSACTION_START) draft.payload = std::string(1, '\0');
  if (draft.type == XS_WRITE) draft.payload = path + '\0' + random_bytes(rng, rng.below(20));
  if (draft.type == XS_WATCH || draft.type == XS_UNWATCH) draft.payload = path + '\0' + "t" + '\0';
  return draft;
}

class RandomGuest {
 public:
  RandomGuest(XenStore& store, DomId domain, const Rng& root)
      : rng_(root.fork("guest " + std::to_string(domain.raw()))), connection_(store, domain) {}

  void step() {
    if (rng_.one_in(4)) {
      drain(rng_.below(400));
    } else {
      send();
    }
  }
  /// Reads at most `max` bytes; returns how many.
  size_t drain(size_t max) {
    const std::vector<std::byte> bytes = connection_.take_output(max);
    stream_.insert(stream_.end(), bytes.begin(), bytes.end());
    for (const StoreMessage& message : decode(stream_)) check(message);
    return bytes.size();
  }
  void finish() {
    while (drain(10000) > 0) {
    }
    EXPECT_THAT(expected_, IsEmpty()) << "requests without a reply";
    EXPECT_THAT(stream_, IsEmpty());
    EXPECT_EQ(connection_.broken(), "");
  }
  [[nodiscard]] uint64_t succeeded() const { return succeeded_; }
  [[nodiscard]] uint64_t events() const { return events_; }
  [[nodiscard]] uint64_t ended_transactions() const { return ended_; }

 private:
  void send() {
    Draft draft = random_request(rng_);
    const bool is_inside = !transactions_.empty() && rng_.one_in(2);
    if (is_inside && rng_.one_in(4)) draft = {XS_TRANSACTION_END, std::string(rng_.one_in(4) ? "F" : "T") + '\0'};
    const uint32_t tx_id =
        is_inside ? transactions_[rng_.below(transactions_.size())] : static_cast<uint32_t>(rng_.one_in(50));
    expected_.push_back({draft.type, ++last_req_id_, tx_id, 0});
    const std::vector<std::byte> request = encode(draft.type, draft.payload, last_req_id_, tx_id);
    std::span<const std::byte> rest = request;
    while (!rest.empty()) {
      const size_t count = rng_.below(rest.size()) + 1;
      connection_.feed(rest.first(count));
      rest = rest.subspan(count);
    }
  }

  void check(const StoreMessage& message) {
    if (message.header.type == XS_WATCH_EVENT) {
      ++events_;
      EXPECT_EQ(message.header.req_id, 0u);
      EXPECT_EQ(message.header.tx_id, 0u);
      EXPECT_EQ(std::ranges::count(message.payload, '\0'), 2);
      EXPECT_TRUE(message.payload.ends_with('\0'));
      return;
    }
    ASSERT_FALSE(expected_.empty()) << "a reply without a request";
    const xsd_sockmsg request = expected_.front();
    expected_.pop_front();
    EXPECT_EQ(message.header.req_id, request.req_id);
    EXPECT_EQ(message.header.tx_id, request.tx_id);
    forget_ended(request, message.payload);
    if (message.header.type == XS_ERROR) return check_error(message.payload);
    EXPECT_EQ(message.header.type, request.type);
    ++succeeded_;
    if (request.type == XS_TRANSACTION_START) {
      transactions_.push_back(static_cast<uint32_t>(std::stoul(message.payload)));
    } else if (request.type == XS_TRANSACTION_END) {
      ++ended_;
    }
  }
  /// EINVAL is the only error after which a transaction goes on.
  void forget_ended(const xsd_sockmsg& request, const std::string& reply) {
    const bool is_end = request.type == XS_TRANSACTION_END && !reply.starts_with("EINVAL");
    if (is_end) std::erase(transactions_, request.tx_id);
    if (request.type == XS_RESET_WATCHES) transactions_.clear();
  }
  static void check_error(const std::string& payload) {
    const auto is_it = [&](const auto& row) { return payload == std::string(row.errstring) + '\0'; };
    EXPECT_TRUE(std::ranges::any_of(xsd_errors, is_it)) << payload;
  }

  Rng rng_;
  XenStoreConnection connection_;
  std::vector<std::byte> stream_;
  std::deque<xsd_sockmsg> expected_;
  std::vector<uint32_t> transactions_;
  uint32_t last_req_id_ = 0;
  uint64_t succeeded_ = 0;
  uint64_t events_ = 0;
  uint64_t ended_ = 0;
};

class RandomGuests : public ::testing::TestWithParam<uint64_t> {};

void prepare(XenStore& store) {
  ASSERT_EQ(store.mkdir({DomId{0}}, "/shared"), 0);
  ASSERT_EQ(store.set_permissions({DomId{0}}, "/shared", {{DomId{0}, StoreAccess::kBoth}}), 0);
  for (const uint16_t id : {uint16_t{1}, uint16_t{2}, uint16_t{3}}) {
    const std::string home = "/local/domain/" + std::to_string(id);
    ASSERT_EQ(store.mkdir({DomId{0}}, home), 0);
    ASSERT_EQ(store.set_permissions({DomId{0}}, home, {{DomId{id}, StoreAccess::kRead}}), 0);
  }
}

TEST_P(RandomGuests, EachRequest_GetsOneReply_AndTheStoreStaysWhole) {
  const Rng root(GetParam());
  Rng choice = root.fork("choice");
  XenStore store({.entries = 20, .watches = 5, .transactions = 3, .transaction_steps = 30, .pending_events = 20});
  prepare(store);
  std::vector<std::unique_ptr<RandomGuest>> guests;
  for (const uint16_t id : std::initializer_list<uint16_t>{0, 1, 2, 3})
    guests.push_back(std::make_unique<RandomGuest>(store, DomId{id}, root));
  for (int step = 0; step < 12000; ++step) {
    guests[choice.below(guests.size())]->step();
    if (step % 200 == 0) {
      ASSERT_THAT(audit(store), IsEmpty()) << "step " << step;
    }
    if (HasFailure()) return;
  }
  for (const auto& guest : guests) {
    guest->finish();
    EXPECT_GT(guest->succeeded(), 100u) << "the requests mean too little";
    EXPECT_GT(guest->events(), 10u);
    EXPECT_GT(guest->ended_transactions(), 30u);
  }
  EXPECT_THAT(audit(store), IsEmpty());
}

TEST_P(RandomGuests, SameSeed_SameStore) {
  const auto value_of = [&] {
    const Rng root(GetParam());
    XenStore store;
    prepare(store);
    RandomGuest guest(store, DomId{1}, root);
    for (int step = 0; step < 1000; ++step) guest.step();
    return std::pair(store.generation(), guest.succeeded());
  };
  EXPECT_EQ(value_of(), value_of());
}

TEST_P(RandomGuests, Garbage_IsAnsweredOrBreaksTheConnection) {
  Rng rng = Rng(GetParam()).fork("garbage");
  XenStore store;
  prepare(store);
  unsigned broken = 0;
  for (int round = 0; round < 3000; ++round) {
    XenStoreConnection connection(store, DomId{static_cast<uint16_t>(rng.below(4))});
    std::string bytes = random_bytes(rng, rng.below(300));
    // Small numbers in the header get further than any number does.
    for (size_t i = 0; i < std::min<size_t>(bytes.size(), 16); ++i) {
      if (i % 4 != 0 && !rng.one_in(20)) bytes[i] = '\0';
    }
    connection.feed(std::as_bytes(std::span(bytes)));
    std::vector<std::byte> output = connection.take_output(1 << 20);
    decode(output);
    EXPECT_THAT(output, IsEmpty());
    if (!connection.broken().empty()) ++broken;
  }
  EXPECT_GT(broken, 100u);
  EXPECT_LT(broken, 2900u);
  EXPECT_THAT(audit(store), IsEmpty());
}

TEST_P(RandomGuests, RingsFullOfGarbage_StayInTheirPage) {
  Rng rng = Rng(GetParam()).fork("rings");
  XenStore store;
  prepare(store);
  // A page of its own on the heap, so that a checker of addresses sees what goes beyond it.
  const std::unique_ptr<uint8_t, void (*)(void*)> page(static_cast<uint8_t*>(std::aligned_alloc(kPageSize, kPageSize)),
                                                       std::free);
  const SharedPage shared(page.get(), kPageSize);
  const auto scramble = [&] {
    for (uint8_t& byte : shared) byte = static_cast<uint8_t>(rng.below(rng.one_in(2) ? 256 : 2));
    // The indices: apart by little more or less than a ring.
    for (const size_t first : {2048u, 2056u, 3072u, 3080u}) {
      const auto one = static_cast<uint32_t>(rng.next());
      const auto other = one + static_cast<uint32_t>(rng.below(2100));
      std::memcpy(shared.data() + first, &one, sizeof one);
      std::memcpy(shared.data() + first + sizeof one, &other, sizeof other);
    }
  };
  for (int round = 0; round < 2000; ++round) {
    scramble();
    XenStoreConnection connection(store, DomId{1});
    StoreRing store_ring(shared);
    ConsoleRing console_ring(shared);
    for (int i = 0; i < 3; ++i) {
      (void)store_ring.pump(connection);
      EXPECT_LE(console_ring.take_output().size(), 2048u);
      EXPECT_LE(console_ring.put_input(std::string(5000, 'x')), 1024u);
    }
  }
  EXPECT_THAT(audit(store), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGuests, ::testing::Values(1, 2, 3));

}  // namespace
}  // namespace assay
