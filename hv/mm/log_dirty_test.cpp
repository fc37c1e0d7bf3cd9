#include "hv/mm/log_dirty.hpp"

#include "hv/mm/paging_pool.hpp"
#include "hv/mm/stage2.hpp"
#include "hv/mm/testing/machine.hpp"

namespace hv::testing {

class LogDirtyTest : public MemoryTest {
 protected:
  static constexpr Gfn kNear{3};
  static constexpr Gfn kFar{kGfnEnd - 1};

  LogDirtyTest() {
    EXPECT_TRUE(stage2_map(hvm_, kNear, page(hvm_)).ok());
    EXPECT_TRUE(stage2_map(hvm_, kFar, page(hvm_)).ok());
    used_at_first_ = hvm_.paging_tables.count;
  }

  bool dirty(Gfn gfn) {
    const uint64_t first = gfn.raw() / kGfnsPerLeaf * kGfnsPerLeaf;
    const uint8_t* leaf = log_dirty_leaf(hvm_, first);
    return leaf != nullptr && (leaf[(gfn.raw() - first) / 8] >> (gfn.raw() % 8) & 1) != 0;
  }

  uint64_t used_at_first_ = 0;
};

TEST_F(LogDirtyTest, AWriteOfTheCores_MarksItsFrameAlone) {
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_NE(stage2_bytes(hvm_, Gpa{kNear.raw() << kPageShift}, false), nullptr);
  EXPECT_FALSE(dirty(kNear));
  EXPECT_NE(stage2_bytes(hvm_, Gpa{kNear.raw() << kPageShift}, true), nullptr);
  EXPECT_TRUE(dirty(kNear));
  EXPECT_FALSE(dirty(kFar));
  EXPECT_EQ(hvm_.log_dirty->dirtied, 1u);
}

TEST_F(LogDirtyTest, TheLastFrameThereCanBe_IsTracked) {
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_TRUE(log_dirty_fault(hvm_, kFar));
  EXPECT_TRUE(dirty(kFar));
  EXPECT_FALSE(log_dirty_fault(hvm_, kFar));
}

TEST_F(LogDirtyTest, AFault_IsNotForTracking_WhereNothingIsMapped) {
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_FALSE(log_dirty_fault(hvm_, Gfn{4}));
  EXPECT_FALSE(dirty(Gfn{4}));
}

TEST_F(LogDirtyTest, AReadOnlyMapping_StaysReadOnly) {
  ASSERT_TRUE(stage2_map(hvm_, Gfn{5}, page(hvm_), false).ok());
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_FALSE(log_dirty_fault(hvm_, Gfn{5}));
  log_dirty_disable(hvm_);
  EXPECT_FALSE(stage2_lookup(hvm_, Gfn{5}).writable);
  EXPECT_TRUE(stage2_lookup(hvm_, kNear).writable);
}

TEST_F(LogDirtyTest, Enable_IsEinvalTheSecondTime_AndFlushes) {
  const uint64_t before = hvm_.tlb_version;
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_GT(hvm_.tlb_version, before);
  EXPECT_EQ(log_dirty_enable(hvm_), fail(XEN_EINVAL));
}

TEST_F(LogDirtyTest, ACleanLeaf_IsProtectedAgain_AndNoOther) {
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_TRUE(log_dirty_fault(hvm_, kNear));
  EXPECT_TRUE(log_dirty_fault(hvm_, kFar));
  log_dirty_clean_leaf(hvm_, 0);
  EXPECT_FALSE(dirty(kNear));
  EXPECT_TRUE(dirty(kFar));
  const uint64_t before = hvm_.tlb_version;
  log_dirty_end_of_clean(hvm_);
  EXPECT_GT(hvm_.tlb_version, before);
  EXPECT_TRUE(log_dirty_fault(hvm_, kNear)) << "the next write is seen";
  EXPECT_FALSE(log_dirty_fault(hvm_, kFar)) << "it is dirty, and may be written";
}

/// A grant that is mapped is not dirty, but what is written to it later is.
TEST_F(LogDirtyTest, AGrantMappedMeanwhile_IsProtectedByTheNextClean) {
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  ASSERT_TRUE(stage2_map_grant(hvm_, Gfn{6}, page(pv_), true).ok());
  EXPECT_FALSE(dirty(Gfn{6}));
  log_dirty_clean_leaf(hvm_, 0);
  log_dirty_end_of_clean(hvm_);
  EXPECT_TRUE(log_dirty_fault(hvm_, Gfn{6}));
  EXPECT_TRUE(dirty(Gfn{6}));
}

TEST_F(LogDirtyTest, Disable_GivesTheBitmapBack) {
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_TRUE(log_dirty_fault(hvm_, kNear));
  EXPECT_TRUE(log_dirty_fault(hvm_, kFar));
  EXPECT_GT(hvm_.paging_tables.count, used_at_first_);
  log_dirty_disable(hvm_);
  EXPECT_EQ(hvm_.paging_tables.count, used_at_first_);
  EXPECT_FALSE(dirty(kNear));
}

TEST_F(LogDirtyTest, WithoutMemory_TheBitmapIsIncomplete) {
  ASSERT_TRUE(resize_paging_pool(hvm_, 0).ok());
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_TRUE(log_dirty_fault(hvm_, kNear));
  EXPECT_TRUE(hvm_.log_dirty->incomplete);
}

TEST_F(LogDirtyTest, TheEndOfTheDomain_TakesTheBitmap) {
  ASSERT_TRUE(log_dirty_enable(hvm_).ok());
  EXPECT_TRUE(log_dirty_fault(hvm_, kNear));
  EXPECT_TRUE(destroy(hvm_));
  EXPECT_EQ(hvm_.log_dirty, nullptr);
}

}  // namespace hv::testing
