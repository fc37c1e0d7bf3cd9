#include "sim/trace/guest_bytes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

namespace assay::trace {
namespace {

constexpr uint64_t kFrames = 8;
constexpr uint64_t kPresentWritableUser = 7;

/// Guest-physical pages 0 and 1 lie in the frames 5 and 6, page 2 nowhere; paging is off.
class GuestBytesTest : public ::testing::Test {
 protected:
  GuestBytesTest() {
    for (uint64_t level = 1; level < 4; ++level) set(level, 0, level + 1);
    set(4, 0, 5);
    set(4, 1, 6);
    memory_[5 * ASSAY_PAGE_SIZE + ASSAY_PAGE_SIZE - 1] = 0x11;
    memory_[6 * ASSAY_PAGE_SIZE] = 0x22;
    run_.mode = ASSAY_MODE_HVM;
    run_.stage2_root = 1;
    run_.regs = &regs_;
    regs_.code_bits = 32;
  }
  void set(uint64_t frame, uint64_t index, uint64_t to) {
    const uint64_t entry = to << ASSAY_PAGE_SHIFT | kPresentWritableUser;
    std::memcpy(&memory_[frame * ASSAY_PAGE_SIZE + index * sizeof entry], &entry, sizeof entry);
  }
  std::vector<uint8_t> memory_ = std::vector<uint8_t>(kFrames * ASSAY_PAGE_SIZE);
  assay_regs regs_{};
  assay_run run_{};
};

TEST_F(GuestBytesTest, Read_GoesAcrossPages_AndEndsWhereNothingIs) {
  GuestBytes bytes(memory_.data(), kFrames);
  std::array<std::byte, 2> two{};
  EXPECT_EQ(bytes.read(run_, ASSAY_PAGE_SIZE - 1, two), 2u);
  EXPECT_EQ(two[0], std::byte{0x11});
  EXPECT_EQ(two[1], std::byte{0x22});
  EXPECT_EQ(bytes.read(run_, 2 * ASSAY_PAGE_SIZE - 1, two), 1u);
  EXPECT_EQ(bytes.read(run_, 2 * ASSAY_PAGE_SIZE, two), 0u);
  EXPECT_EQ(bytes.read(run_, UINT64_MAX, two), 0u);
}

TEST_F(GuestBytesTest, Read_ChangesNothing) {
  const std::vector<uint8_t> before = memory_;
  GuestBytes bytes(memory_.data(), kFrames);
  std::array<std::byte, 16> some{};
  EXPECT_EQ(bytes.read(run_, 0, some), some.size());
  EXPECT_EQ(memory_, before);
}

TEST_F(GuestBytesTest, TablesThatChange_AreSeenAtOnce) {
  GuestBytes bytes(memory_.data(), kFrames);
  std::array<std::byte, 1> one{};
  EXPECT_EQ(bytes.read(run_, 2 * ASSAY_PAGE_SIZE, one), 0u);
  set(4, 2, 6);
  EXPECT_EQ(bytes.read(run_, 2 * ASSAY_PAGE_SIZE, one), 1u);
  EXPECT_EQ(one[0], std::byte{0x22});
  set(4, 2, kFrames);  // a frame that the machine does not have
  EXPECT_EQ(bytes.read(run_, 2 * ASSAY_PAGE_SIZE, one), 0u);
}

}  // namespace
}  // namespace assay::trace
