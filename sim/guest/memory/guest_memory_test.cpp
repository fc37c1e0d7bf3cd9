#include "sim/guest/memory/guest_memory.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay {
namespace {

constexpr uint64_t kPresent = 1;
constexpr uint64_t kWritable = 2;
constexpr uint64_t kUser = 4;
constexpr uint64_t kAccessed = 0x20;
constexpr uint64_t kDirty = 0x40;
constexpr uint64_t kLarge = 0x80;
constexpr uint64_t kAll = kPresent | kWritable | kUser;
constexpr uint64_t kFrames = 4096;

/// Machine memory with hand-made tables: frames 1..4 are levels 4..1 of the guest, 11..14 of the second stage.
class GuestMemoryTest : public ::testing::Test {
 protected:
  uint64_t& entry(uint64_t frame, uint64_t index) {
    return reinterpret_cast<uint64_t*>(static_cast<void*>(bytes_.data() + frame * ASSAY_PAGE_SIZE))[index];
  }
  /// Tables 1..4 for addresses below 2 MiB; their own entries allow everything.
  void make_tables() {
    for (uint64_t level = 1; level < 4; ++level) entry(level, 0) = (level + 1) << 12 | kAll;
    regs_.cr3 = 1 << 12;
    run_.mode = ASSAY_MODE_PV64;
    run_.regs = &regs_;
    run_.tlb_version = 1;
  }
  void map(uint64_t page, uint64_t frame, uint64_t flags) { entry(4, page) = frame << 12 | flags; }
  /// HVM: second stage identity-maps the first 2 MiB page by page, paging is off unless `paging`.
  void make_stage2(bool paging) {
    make_tables();
    run_.mode = ASSAY_MODE_HVM;
    run_.stage2_root = 11;
    for (uint64_t level = 11; level < 14; ++level) entry(level, 0) = (level + 1) << 12 | kAll;
    for (uint64_t gfn = 0; gfn < 512; ++gfn) entry(14, gfn) = gfn << 12 | kAll;
    regs_.cr0 = 1 | (1ull << 16) | (paging ? 1ull << 31 : 0);
  }
  uint8_t* reach(uint64_t va, assay_access access) {
    memory_.use(run_);
    miss_ = MemoryMiss{};
    return memory_.reach(va, access, miss_);
  }
  uint64_t frame_at(const uint8_t* host) const { return static_cast<uint64_t>(host - bytes_.data()) >> 12; }

  std::vector<uint8_t> bytes_ = std::vector<uint8_t>(kFrames * ASSAY_PAGE_SIZE);
  GuestMemory memory_{bytes_.data(), kFrames};
  assay_regs regs_{};
  assay_run run_{};
  MemoryMiss miss_;
};

TEST_F(GuestMemoryTest, Mapped_ReachesTheFrame) {
  make_tables();
  map(5, 100, kAll);
  const uint8_t* const host = reach(0x5123, ASSAY_ACCESS_READ);
  ASSERT_NE(host, nullptr);
  EXPECT_EQ(host, bytes_.data() + 100 * ASSAY_PAGE_SIZE + 0x123);
}

TEST_F(GuestMemoryTest, NotPresent_IsPageFaultOfAUser) {
  make_tables();
  EXPECT_EQ(reach(0x5123, ASSAY_ACCESS_WRITE), nullptr);
  EXPECT_EQ(miss_.vector, 14u);
  EXPECT_EQ(miss_.error_code, 6u);  // write, user
  EXPECT_EQ(miss_.address, 0x5123u);
  EXPECT_FALSE(miss_.stage2);
}

TEST_F(GuestMemoryTest, ReadOnly_RefusesWritesOnly) {
  make_tables();
  map(5, 100, kPresent | kUser);
  EXPECT_NE(reach(0x5000, ASSAY_ACCESS_READ), nullptr);
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_WRITE), nullptr);
  EXPECT_EQ(miss_.error_code, 7u);  // present, write, user
}

TEST_F(GuestMemoryTest, ReadOnlyInAnUpperTable_RefusesWrites) {
  make_tables();
  map(5, 100, kAll);
  entry(2, 0) &= ~kWritable;
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_WRITE), nullptr);
  EXPECT_NE(reach(0x5000, ASSAY_ACCESS_READ), nullptr);
}

TEST_F(GuestMemoryTest, SupervisorPage_IsOutOfReachForPv) {
  make_tables();
  map(5, 100, kPresent | kWritable);
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_READ), nullptr);
  EXPECT_EQ(miss_.error_code, 5u);  // present, user
}

TEST_F(GuestMemoryTest, NoExecute_RefusesFetchesOnly) {
  make_tables();
  map(5, 100, kAll | 1ull << 63);
  EXPECT_NE(reach(0x5000, ASSAY_ACCESS_WRITE), nullptr);
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_EXECUTE), nullptr);
  EXPECT_EQ(miss_.error_code, 0x15u);  // present, user, fetch
}

TEST_F(GuestMemoryTest, AccessedAndDirty_AreSetAsHardwareDoes) {
  make_tables();
  map(5, 100, kAll);
  ASSERT_NE(reach(0x5000, ASSAY_ACCESS_READ), nullptr);
  EXPECT_EQ(entry(4, 5) & (kAccessed | kDirty), kAccessed);
  EXPECT_EQ(entry(1, 0) & kAccessed, kAccessed);
  ASSERT_NE(reach(0x5000, ASSAY_ACCESS_WRITE), nullptr);
  EXPECT_EQ(entry(4, 5) & (kAccessed | kDirty), kAccessed | kDirty);
}

TEST_F(GuestMemoryTest, LargePages_CoverTheirSpan) {
  make_tables();
  entry(3, 1) = 512ull << 12 | kAll | kLarge;  // 2 MiB at 2 MiB
  EXPECT_EQ(frame_at(reach(0x2ff000, ASSAY_ACCESS_READ)), 512u + 0xff);
  entry(2, 1) = kAll | kLarge;  // 1 GiB at 1 GiB
  EXPECT_EQ(frame_at(reach(0x40123000, ASSAY_ACCESS_READ)), 0x123u);
}

TEST_F(GuestMemoryTest, NonCanonical_IsGeneralProtection) {
  make_tables();
  EXPECT_EQ(reach(0x0000800000000000, ASSAY_ACCESS_READ), nullptr);
  EXPECT_EQ(miss_.vector, 13u);
  EXPECT_EQ(miss_.error_code, 0u);
}

TEST_F(GuestMemoryTest, FrameBeyondTheMachine_IsReservedBit) {
  make_tables();
  map(5, kFrames, kAll);
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_READ), nullptr);
  EXPECT_EQ(miss_.error_code, 0xdu);  // present, user, reserved
}

TEST_F(GuestMemoryTest, TableBeyondTheMachine_IsReservedBit) {
  make_tables();
  entry(2, 0) = kFrames << 12 | kAll;
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_READ), nullptr);
  EXPECT_EQ(miss_.error_code, 0xdu);
}

TEST_F(GuestMemoryTest, CachedTranslation_LivesUntilTlbVersionChanges) {
  make_tables();
  map(5, 100, kAll);
  EXPECT_EQ(frame_at(reach(0x5000, ASSAY_ACCESS_READ)), 100u);
  map(5, 101, kAll);
  EXPECT_EQ(frame_at(reach(0x5000, ASSAY_ACCESS_READ)), 100u);
  run_.tlb_version = 2;
  EXPECT_EQ(frame_at(reach(0x5000, ASSAY_ACCESS_READ)), 101u);
}

TEST_F(GuestMemoryTest, OtherRoot_IsAnotherSpace) {
  make_tables();
  map(5, 100, kAll);
  ASSERT_NE(reach(0x5000, ASSAY_ACCESS_READ), nullptr);
  regs_.cr3 = 20 << 12;
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_READ), nullptr);
}

TEST_F(GuestMemoryTest, Copies_CrossPages) {
  make_tables();
  map(5, 100, kAll);
  map(6, 50, kAll);
  memory_.use(run_);
  const uint64_t value = 0x1122334455667788;
  ASSERT_TRUE(memory_.store(0x5ffc, value, miss_));
  uint64_t back = 0;
  ASSERT_TRUE(memory_.load(0x5ffc, back, miss_));
  EXPECT_EQ(back, value);
  EXPECT_EQ(bytes_[50 * ASSAY_PAGE_SIZE], 0x44);
  EXPECT_FALSE(memory_.store(0x6ffc, value, miss_));
  EXPECT_EQ(miss_.address, 0x7000u);
}

TEST_F(GuestMemoryTest, Hvm_WithoutPagingIsPhysical) {
  make_stage2(false);
  entry(14, 7) = 200ull << 12 | kAll;
  EXPECT_EQ(frame_at(reach(0x7000, ASSAY_ACCESS_WRITE)), 200u);
}

TEST_F(GuestMemoryTest, Hvm_TablesAreTranslatedToo) {
  make_stage2(true);
  map(5, 9, kPresent | kWritable);  // a supervisor page: the kernel may
  entry(14, 9) = 300ull << 12 | kAll;
  EXPECT_EQ(frame_at(reach(0x5000, ASSAY_ACCESS_WRITE)), 300u);
  entry(14, 4) = 0;  // the last table's own frame
  run_.tlb_version = 2;
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_WRITE), nullptr);
  EXPECT_TRUE(miss_.stage2);
  EXPECT_EQ(miss_.address, 4u * ASSAY_PAGE_SIZE + 5 * 8);
}

TEST_F(GuestMemoryTest, Hvm_SecondStageReadOnlyIsStage2Fault) {
  make_stage2(false);
  entry(14, 7) = 200ull << 12 | kPresent | kUser;
  EXPECT_NE(reach(0x7008, ASSAY_ACCESS_READ), nullptr);
  EXPECT_EQ(reach(0x7008, ASSAY_ACCESS_WRITE), nullptr);
  EXPECT_TRUE(miss_.stage2);
  EXPECT_EQ(miss_.access, static_cast<uint32_t>(ASSAY_ACCESS_WRITE));
  EXPECT_EQ(miss_.address, 0x7008u);
}

TEST_F(GuestMemoryTest, Hvm_WriteProtectBitBindsTheKernel) {
  make_stage2(true);
  map(5, 9, kPresent);
  EXPECT_EQ(reach(0x5000, ASSAY_ACCESS_WRITE), nullptr);
  EXPECT_EQ(miss_.error_code, 3u);  // present, write; not a user
  regs_.cr0 &= ~(1ull << 16);
  EXPECT_NE(reach(0x5000, ASSAY_ACCESS_WRITE), nullptr);
}

}  // namespace
}  // namespace assay
