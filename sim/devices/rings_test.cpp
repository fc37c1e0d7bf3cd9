#include "sim/devices/rings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "sim/devices/testing/store_client.hpp"

namespace assay {
namespace {

using testing::decode;
using testing::encode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::nul_terminated;
using testing::StoreMessage;

struct alignas(kPageSize) Page {
  uint8_t bytes[kPageSize] = {};
};

class ConsoleRingTest : public ::testing::Test {
 protected:
  ConsoleRingTest() : guest_(reinterpret_cast<xencons_interface*>(page_.bytes)), ring_(page_.bytes) {}

  void guest_writes(std::string_view text) {
    for (const char c : text) guest_->out[MASK_XENCONS_IDX(guest_->out_prod++, guest_->out)] = c;
  }
  std::string guest_reads() {
    std::string text;
    while (guest_->in_cons != guest_->in_prod) text += guest_->in[MASK_XENCONS_IDX(guest_->in_cons++, guest_->in)];
    return text;
  }

  Page page_;
  xencons_interface* guest_;
  ConsoleRing ring_;
};

TEST_F(ConsoleRingTest, Output_IsTakenOnce) {
  guest_writes("hello");
  EXPECT_EQ(ring_.take_output(), "hello");
  EXPECT_EQ(ring_.take_output(), "");
  EXPECT_EQ(guest_->out_cons, 5u);
}

TEST_F(ConsoleRingTest, Output_FullRing_AcrossBothEnds) {
  // The ring's end and the end of what an index can count.
  guest_->out_cons = guest_->out_prod = UINT32_MAX - 99;
  std::string text;
  for (size_t i = 0; i < sizeof guest_->out; ++i) text += static_cast<char>('a' + i % 26);
  guest_writes(text);
  EXPECT_EQ(ring_.take_output(), text);
  EXPECT_EQ(ring_.broken(), "");
}

TEST_F(ConsoleRingTest, Output_MoreThanARing_IsBroken) {
  guest_->out_prod = sizeof guest_->out + 1;
  EXPECT_EQ(ring_.take_output(), "");
  EXPECT_EQ(ring_.broken(), "console output ring: producer 2049, consumer 0, size 2048");
  guest_->out_prod = 1;
  EXPECT_EQ(ring_.take_output(), "") << "it stays so";
  EXPECT_EQ(ring_.put_input("x"), 0u);
}

TEST_F(ConsoleRingTest, Input_AsMuchAsThereIsRoomFor) {
  const std::string text(1500, 'x');
  EXPECT_EQ(ring_.put_input(text), 1024u);
  EXPECT_EQ(ring_.put_input(text), 0u);
  EXPECT_EQ(guest_reads(), text.substr(0, 1024));
  EXPECT_EQ(ring_.put_input("ab"), 2u);
  EXPECT_EQ(ring_.put_input(""), 0u);
  EXPECT_EQ(guest_reads(), "ab");
}

TEST_F(ConsoleRingTest, Input_ConsumerAhead_IsBroken) {
  guest_->in_cons = 1;
  EXPECT_EQ(ring_.put_input("x"), 0u);
  EXPECT_THAT(ring_.broken(), HasSubstr("console input ring"));
}

TEST(ConsoleRing, OutsideOfAPage_IsOurMistake) {
  Page pages[2];
  EXPECT_THROW(ConsoleRing(SharedPage(pages[0].bytes + 8, kPageSize)), std::logic_error);
}

class StoreRingTest : public ::testing::Test {
 protected:
  StoreRingTest()
      : guest_(reinterpret_cast<xenstore_domain_interface*>(page_.bytes)),
        ring_(page_.bytes),
        connection_(store_, DomId{1}) {
    EXPECT_EQ(store_.mkdir({DomId{0}}, "/local/domain/1"), 0);
    EXPECT_EQ(store_.set_permissions({DomId{0}}, "/local/domain/1", {{DomId{1}, StoreAccess::kNone}}), 0);
  }

  /// As much as there is room for; returns how much that was.
  size_t guest_writes(std::span<const std::byte> bytes) {
    size_t written = 0;
    while (written < bytes.size() && guest_->req_prod - guest_->req_cons < sizeof guest_->req) {
      guest_->req[MASK_XENSTORE_IDX(guest_->req_prod++)] = static_cast<char>(bytes[written++]);
    }
    return written;
  }
  void guest_reads() {
    while (guest_->rsp_cons != guest_->rsp_prod) {
      received_.push_back(static_cast<std::byte>(guest_->rsp[MASK_XENSTORE_IDX(guest_->rsp_cons++)]));
    }
  }
  /// One request and its reply, however often the rings must be pumped for that.
  std::vector<StoreMessage> call(uint32_t type, std::string_view payload) {
    const std::vector<std::byte> request = encode(type, payload);
    std::span<const std::byte> rest = request;
    bool is_moving = true;
    while (!rest.empty() || is_moving) {
      rest = rest.subspan(guest_writes(rest));
      is_moving = ring_.pump(connection_);
      guest_reads();
    }
    return decode(received_);
  }

  Page page_;
  xenstore_domain_interface* guest_;
  StoreRing ring_;
  XenStore store_;
  XenStoreConnection connection_;
  std::vector<std::byte> received_;
};

TEST_F(StoreRingTest, Request_GetsItsReply) {
  const std::vector<StoreMessage> replies = call(XS_GET_DOMAIN_PATH, nul_terminated({"1"}));
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].payload, nul_terminated({"/local/domain/1"}));
}

TEST_F(StoreRingTest, MessagesLongerThanTheRing_GoThroughInPieces) {
  guest_->req_cons = guest_->req_prod = UINT32_MAX - 7;
  guest_->rsp_cons = guest_->rsp_prod = UINT32_MAX - 7;
  const std::string value(2048, 'v');
  EXPECT_EQ(call(XS_WRITE, std::string("a") + '\0' + value).size(), 1u);
  const std::vector<StoreMessage> replies = call(XS_READ, nul_terminated({"a"}));
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].payload, value);
}

TEST_F(StoreRingTest, Pump_SaysWhetherSomethingMoved) {
  EXPECT_FALSE(ring_.pump(connection_));
  guest_writes(encode(XS_READ, ""));
  EXPECT_TRUE(ring_.pump(connection_));
  EXPECT_FALSE(ring_.pump(connection_));
}

TEST_F(StoreRingTest, Event_OfAnother_MovesToo) {
  EXPECT_EQ(call(XS_WATCH, nul_terminated({"a", "t"})).size(), 2u);
  EXPECT_EQ(store_.mkdir({DomId{0}}, "/local/domain/1/a"), 0);
  EXPECT_TRUE(ring_.pump(connection_));
}

TEST_F(StoreRingTest, Features_AreAdvertised) {
  EXPECT_EQ(guest_->server_features, uint32_t{XENSTORE_SERVER_FEATURE_RECONNECTION | XENSTORE_SERVER_FEATURE_ERROR});
}

TEST_F(StoreRingTest, ImpossibleIndices_AreBroken_AndSaidInThePage) {
  guest_->req_prod = XENSTORE_RING_SIZE + 1;
  EXPECT_TRUE(ring_.pump(connection_));
  EXPECT_THAT(ring_.broken(), HasSubstr("store request ring: producer 1025"));
  EXPECT_THAT(connection_.broken(), HasSubstr("store request ring"));
  EXPECT_EQ(guest_->error, uint32_t{XENSTORE_ERROR_RINGIDX});
  guest_->req_prod = 0;
  EXPECT_FALSE(ring_.pump(connection_));
}

TEST_F(StoreRingTest, ImpossibleReplyIndices_AreBroken) {
  guest_->rsp_cons = 1;
  EXPECT_TRUE(ring_.pump(connection_));
  EXPECT_THAT(ring_.broken(), HasSubstr("store reply ring"));
}

TEST_F(StoreRingTest, OverlongRequest_IsBroken_AndSaidInThePage) {
  const xsd_sockmsg header = {XS_READ, 1, 0, XENSTORE_PAYLOAD_MAX + 1};
  guest_writes(std::as_bytes(std::span(&header, 1)));
  EXPECT_TRUE(ring_.pump(connection_));
  EXPECT_THAT(ring_.broken(), HasSubstr("4097 bytes"));
  EXPECT_EQ(guest_->error, uint32_t{XENSTORE_ERROR_PROTO});
}

TEST_F(StoreRingTest, Reconnect_StartsAfresh) {
  EXPECT_EQ(call(XS_WATCH, nul_terminated({"a", "t"})).size(), 2u);
  guest_->req_prod += XENSTORE_RING_SIZE + 1;
  EXPECT_TRUE(ring_.pump(connection_));
  EXPECT_NE(ring_.broken(), "");

  guest_->connection = XENSTORE_RECONNECT;
  EXPECT_TRUE(ring_.pump(connection_));
  EXPECT_EQ(ring_.broken(), "");
  EXPECT_EQ(guest_->connection, uint32_t{XENSTORE_CONNECTED});
  EXPECT_EQ(guest_->error, uint32_t{XENSTORE_ERROR_NONE});
  EXPECT_EQ(guest_->req_prod, 0u);
  const std::vector<StoreMessage> replies = call(XS_UNWATCH, nul_terminated({"a", "t"}));
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].payload, nul_terminated({"ENOENT"})) << "the old watch is gone";
}

TEST_F(StoreRingTest, GuestThatNeverReads_IsNotListenedToForever) {
  EXPECT_EQ(store_.write({DomId{0}}, "/local/domain/1/a", std::string(4096, 'a')), 0);
  const std::vector<std::byte> request = encode(XS_READ, nul_terminated({"a"}));
  uint32_t taken = 0;
  for (int i = 0; i < 1000; ++i) {
    guest_writes(request);
    const uint32_t before = guest_->req_cons;
    (void)ring_.pump(connection_);
    taken += guest_->req_cons - before;
  }
  EXPECT_TRUE(connection_.is_backlogged());
  EXPECT_LT(taken, 2 * 1024u);
  EXPECT_EQ(guest_->req_prod - guest_->req_cons, 1024u);
  EXPECT_FALSE(ring_.pump(connection_));
}

}  // namespace
}  // namespace assay
