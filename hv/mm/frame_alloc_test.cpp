#include "hv/mm/frame_alloc.hpp"

#include <algorithm>

#include "hv/mm/m2p.hpp"
#include "hv/mm/testing/machine.hpp"

namespace hv::testing {

using FrameAlloc = MemoryTest;

TEST_F(FrameAlloc, Domain_GetsAlignedBlock_CountedAndOwned) {
  const Result<Mfn> mfn = alloc_domain_frames(pv_, 3);
  ASSERT_TRUE(mfn.ok());
  EXPECT_EQ(mfn->raw() % 8, 0u);
  EXPECT_EQ(pv_.tot_pages, 8u);
  EXPECT_EQ(frame_info(*mfn).owner, &pv_);
  EXPECT_EQ(m2p_get(*mfn), kInvalidM2p);
}

TEST_F(FrameAlloc, MaxPages_LastFits_OneMoreIsE2big) {
  pv_.max_pages = 2;
  EXPECT_TRUE(alloc_domain_frames(pv_, 1).ok());
  EXPECT_EQ(alloc_domain_frames(pv_, 0).status(), fail(XEN_E2BIG));
  EXPECT_EQ(pv_.tot_pages, 2u);
}

TEST_F(FrameAlloc, OrderOfTheWholeMachine_IsEnomem_AndNothingChanges) {
  pv_.max_pages = ~uint64_t{0};
  const uint64_t before = frames_free();
  EXPECT_EQ(alloc_domain_frames(pv_, kOrderMax).status(), fail(XEN_ENOMEM));
  EXPECT_EQ(alloc_domain_frames(pv_, kOrderMax + 1).status(), fail(XEN_E2BIG));
  EXPECT_EQ(frames_free(), before);
  EXPECT_EQ(pv_.tot_pages, 0u);
}

TEST_F(FrameAlloc, DyingDomain_IsEinval) {
  pv_.dying = true;
  EXPECT_EQ(alloc_domain_frames(pv_, 0).status(), fail(XEN_EINVAL));
}

TEST_F(FrameAlloc, EveryFrameCanBeTaken_AndComesBackInOneBlock) {
  pv_.max_pages = FakeHost::kFrames;
  const uint64_t before = frames_free();
  while (alloc_domain_frames(pv_, 0).ok()) continue;
  EXPECT_EQ(pv_.tot_pages, before);
  EXPECT_EQ(frames_free(), 0u);
  EXPECT_EQ(alloc_core_frames(0), kInvalidMfn);
  uint64_t budget = before;
  EXPECT_TRUE(relinquish_memory(pv_, budget));
  EXPECT_EQ(frames_free(), before);
  EXPECT_NE(alloc_core_frames(10), kInvalidMfn);
}

TEST_F(FrameAlloc, FrameOfAnotherOwner_IsZeroWhenHandedOut) {
  pv_.max_pages = FakeHost::kFrames;
  while (true) {
    const Result<Mfn> mfn = alloc_domain_frames(pv_, 0);
    if (!mfn.ok()) break;
    frame_bytes(*mfn)[17] = 0x5a;
  }
  uint64_t budget = FakeHost::kFrames;
  ASSERT_TRUE(relinquish_memory(pv_, budget));
  for (int i = 0; i < 64; ++i) {
    const uint8_t* bytes = frame_bytes(page(hvm_));
    EXPECT_TRUE(std::all_of(bytes, bytes + kPageSize, [](uint8_t byte) { return byte == 0; }));
  }
}

TEST_F(FrameAlloc, AddressBits_BlockLiesBelow_OrIsRefused) {
  const Result<Mfn> low = alloc_domain_frames(pv_, 0, 24);
  ASSERT_TRUE(low.ok());
  EXPECT_LT(low->raw(), (1u << 24) / kPageSize);
  EXPECT_EQ(alloc_domain_frames(pv_, 0, 13).status(), fail(XEN_ENOMEM));
}

TEST_F(FrameAlloc, SharedFrame_StaysWritable_AndIsFreedWhenLastMappingGoes) {
  const uint64_t before = frames_free();
  const Mfn mfn = alloc_shared_frame(pv_);
  EXPECT_EQ(get_page_and_type(mfn, pv_, PageType::kL1), fail(XEN_EINVAL));
  ASSERT_TRUE(get_page_and_type(mfn, pv_, PageType::kWritable).ok());
  free_shared_frame(mfn);
  EXPECT_EQ(frames_free(), before - 1);
  put_page_and_type(mfn);
  EXPECT_EQ(frames_free(), before);
}

TEST_F(FrameAlloc, LeakedFrame_IsFoundByTheAudit) {
  const Mfn mfn = page(pv_);
  frame_info(mfn).state = FrameState::kFree;
  EXPECT_NE(audit(), "");
  frame_info(mfn).state = FrameState::kDomain;
}

}  // namespace hv::testing
