#include "sim/target/agent/mailbox_memory.hpp"

#include <gtest/gtest.h>

namespace assay::agents {
namespace {

/// A mailbox whose other end is the test.
class MailboxMemoryTest : public ::testing::Test {
 protected:
  MailboxMemoryTest() {
    MailboxMemory::Frames frames{};
    for (size_t i = 0; i < frames.size(); ++i) frames[i] = bytes_.data() + i * kPageSize;
    memory_ = MailboxMemory(frames);
  }
  void reply_with(uint32_t status, uint32_t bytes) {
    memory_.header()->status = status;
    memory_.header()->reply_bytes = bytes;
    memory_.header()->reply = memory_.header()->request;
  }

  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(ASSAY_MAILBOX_BYTES);
  MailboxMemory memory_;
};

TEST_F(MailboxMemoryTest, StatusThatThereIsNot_IsADeadAgent) {
  memory_.post(GuestRequest{});
  reply_with(ASSAY_STATUS_UNSUPPORTED + 1, 0);
  GuestReply reply;
  EXPECT_THROW(memory_.take(reply), TargetDied);
  EXPECT_FALSE(memory_.in_flight());
}

TEST_F(MailboxMemoryTest, MoreDataThanAskedFor_IsCut) {
  std::vector<std::byte> out(3, std::byte{1});
  GuestRequest request;
  request.op = ASSAY_OP_READ;
  request.out = std::span(out).first(2);
  memory_.post(request);
  reply_with(ASSAY_STATUS_OK, UINT32_MAX);
  GuestReply reply;
  memory_.take(reply);
  EXPECT_EQ(out[1], std::byte{0});
  EXPECT_EQ(out[2], std::byte{1}) << "behind what was asked for";
}

}  // namespace
}  // namespace assay::agents
