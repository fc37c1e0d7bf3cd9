#include "hv/mm/domain_memory.hpp"

#include "hv/mm/m2p.hpp"
#include "hv/mm/stage2.hpp"
#include "hv/mm/testing/machine.hpp"

namespace hv::testing {

using DomainMemoryTest = MemoryTest;

TEST_F(DomainMemoryTest, Relinquish_StopsAtTheBudget_AndGoesOn) {
  for (int i = 0; i < 10; ++i) page(pv_);
  uint64_t budget = 4;
  EXPECT_FALSE(relinquish_memory(pv_, budget));
  EXPECT_EQ(budget, 0u);
  EXPECT_EQ(pv_.tot_pages, 6u);
  budget = 100;
  EXPECT_TRUE(relinquish_memory(pv_, budget));
  EXPECT_EQ(pv_.tot_pages, 0u);
  EXPECT_TRUE(memory_empty(pv_));
}

TEST_F(DomainMemoryTest, FrameHeldByAnother_OutlivesTheDomain_ThenReleases) {
  static int released = 0;
  released = 0;
  pv_.released = [](DomainMemory&) { ++released; };
  const Mfn held = page(pv_);
  page(pv_);
  ASSERT_TRUE(get_page(held, pv_));
  EXPECT_FALSE(destroy(pv_));
  EXPECT_EQ(pv_.tot_pages, 1u);
  EXPECT_EQ(released, 0);
  put_page(held);
  EXPECT_EQ(released, 1);
  EXPECT_TRUE(memory_empty(pv_));
}

TEST_F(DomainMemoryTest, DestroyTwice_IsHarmless) {
  EXPECT_TRUE(destroy(hvm_));
  memory_destroy(hvm_);
  EXPECT_TRUE(memory_empty(hvm_));
}

TEST_F(DomainMemoryTest, HvmWithoutMemoryForItsPool_IsEnomem_NothingLeft) {
  pv_.max_pages = FakeHost::kFrames;
  while (frames_free() > 100) page(pv_);
  DomainMemory poor;
  poor.kind = GuestKind::kHvm;
  EXPECT_EQ(memory_create(poor), fail(XEN_ENOMEM));
  EXPECT_EQ(frames_free(), 100u);
}

TEST_F(DomainMemoryTest, ResolveGfn_Pv_OwnFramesOnly) {
  const Mfn mine = page(pv_);
  EXPECT_EQ(*resolve_gfn(pv_, Gfn{mine.raw()}), mine);
  EXPECT_FALSE(resolve_gfn(pv_, Gfn{page(hvm_).raw()}).ok());
  EXPECT_FALSE(resolve_gfn(pv_, Gfn{FakeHost::kFrames}).ok());
  EXPECT_FALSE(resolve_gfn(pv_, kInvalidGfn).ok());
}

using Stage2 = MemoryTest;

TEST_F(Stage2, Map_FindsTheFrame_BothWays) {
  const Mfn mfn = page(hvm_);
  ASSERT_TRUE(stage2_map(hvm_, Gfn{0x12345}, mfn).ok());
  EXPECT_EQ(stage2_lookup(hvm_, Gfn{0x12345}).mfn, mfn);
  EXPECT_EQ(m2p_get(mfn), 0x12345u);
  EXPECT_EQ(*resolve_gfn(hvm_, Gfn{0x12345}), mfn);
  EXPECT_EQ(hvm_.max_gpfn, 0x12345u);
  EXPECT_EQ(stage2_bytes(hvm_, Gpa{0x12345678}, true), frame_bytes(mfn) + 0x678);
  EXPECT_FALSE(stage2_lookup(hvm_, Gfn{0x12346}).present);
}

TEST_F(Stage2, Unmap_ForgetsTheM2p_AndInvalidatesTranslations) {
  const Mfn mfn = page(hvm_);
  ASSERT_TRUE(stage2_map(hvm_, Gfn{1}, mfn).ok());
  const uint64_t before = hvm_.tlb_version;
  EXPECT_TRUE(stage2_unmap(hvm_, Gfn{1}));
  EXPECT_FALSE(stage2_unmap(hvm_, Gfn{1}));
  EXPECT_EQ(m2p_get(mfn), kInvalidM2p);
  EXPECT_GT(hvm_.tlb_version, before);
}

TEST_F(Stage2, ReadOnlyMapping_GivesNoBytesToWrite) {
  ASSERT_TRUE(stage2_map(hvm_, Gfn{1}, page(hvm_), false).ok());
  EXPECT_EQ(stage2_bytes(hvm_, Gpa{kPageSize}, true), nullptr);
  EXPECT_NE(stage2_bytes(hvm_, Gpa{kPageSize}, false), nullptr);
}

TEST_F(Stage2, BeyondTheLastFrame_IsEnoent) {
  EXPECT_EQ(stage2_map(hvm_, Gfn{kGfnEnd}, page(hvm_)), fail(XEN_ENOENT));
  EXPECT_TRUE(stage2_map(hvm_, Gfn{kGfnEnd - 1}, page(hvm_)).ok());
}

TEST_F(Stage2, PoolUsedUp_IsEnomem_UntilItGrows) {
  EXPECT_EQ(set_paging_pool_bytes(hvm_, 0), fail(XEN_ENOMEM));
  EXPECT_EQ(*paging_pool_bytes(hvm_), kPageSize);  // the root is in use
  const Mfn mfn = page(hvm_);
  EXPECT_EQ(stage2_map(hvm_, Gfn{0}, mfn), fail(XEN_ENOMEM));
  ASSERT_TRUE(set_paging_pool_bytes(hvm_, 4 * kPageSize).ok());
  EXPECT_TRUE(stage2_map(hvm_, Gfn{0}, mfn).ok());
}

TEST_F(Stage2, PoolSize_Pv_IsEopnotsupp_OddSize_IsEinval) {
  EXPECT_EQ(set_paging_pool_bytes(pv_, kPageSize), fail(XEN_EOPNOTSUPP));
  EXPECT_EQ(paging_pool_bytes(pv_).status(), fail(XEN_EOPNOTSUPP));
  EXPECT_EQ(set_paging_pool_bytes(hvm_, kPageSize + 1), fail(XEN_EINVAL));
  EXPECT_EQ(set_paging_pool_bytes(hvm_, kPageSize << 32), fail(XEN_EINVAL));
}

TEST_F(Stage2, EverythingComesBack) {
  for (uint64_t i = 0; i < 40; ++i) ASSERT_TRUE(stage2_map(hvm_, Gfn{i << 20}, page(hvm_)).ok());
  EXPECT_TRUE(destroy(hvm_));
  EXPECT_TRUE(destroy(pv_));
  EXPECT_EQ(frames_free(), frames_at_boot_);
}

}  // namespace hv::testing
