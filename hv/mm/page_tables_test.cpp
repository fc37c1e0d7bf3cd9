#include "hv/mm/page_tables.hpp"

#include "hv/mm/m2p.hpp"
#include "hv/mm/testing/machine.hpp"
#include "hv/mm/translations.hpp"

namespace hv::testing {

/// A tree of one table per level that maps one page, writable, at index 0.
class PageTables : public MemoryTest {
 protected:
  PageTables() {
    entry(l1_, 0) = make_pte(data_, kReadWrite);
    entry(l2_, 0) = make_pte(l1_, kTable);
    entry(l3_, 0) = make_pte(l2_, kTable);
    entry(l4_, 0) = make_pte(l3_, kTable);
  }

  Status pin(Mfn mfn, unsigned level) {
    const Status status = get_page_and_type(mfn, pv_, table_type(level));
    if (status.ok()) frame_info(mfn).pinned = true;
    return status;
  }

  Mfn data_ = page(pv_);
  Mfn l1_ = page(pv_);
  Mfn l2_ = page(pv_);
  Mfn l3_ = page(pv_);
  Mfn l4_ = page(pv_);
};

TEST_F(PageTables, Pin_ValidatesTheTree_UnpinReleasesIt) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_TRUE(frame_info(l1_).validated);
  EXPECT_EQ(frame_info(data_).type, PageType::kWritable);
  EXPECT_EQ(frame_info(data_).refs, 2u);
  EXPECT_TRUE(unpin_page(l4_));
  EXPECT_FALSE(unpin_page(l4_));
  for (const Mfn mfn : {data_, l1_, l2_, l3_, l4_}) {
    EXPECT_EQ(frame_info(mfn).refs, 1u);
    EXPECT_EQ(frame_info(mfn).type_refs, 0u);
  }
}

TEST_F(PageTables, ValidatedL4_HasTheM2p_AndItsSlotsCannotBeWritten) {
  entry(l4_, 256) = make_pte(data_, kTable);
  entry(l4_, 271) = make_pte(data_, kTable);
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(entry(l4_, 271), 0u);
  const Mfn m2p_l3 = pte_mfn(entry(l4_, 256));
  EXPECT_EQ(entry(l4_, 256) & kPteWritable, 0u);
  const uint64_t large = entry(pte_mfn(entry(m2p_l3, 0)), 0);
  EXPECT_EQ(large & (kPteLarge | kPteUser | kPteWritable), kPteLarge | kPteUser);
  EXPECT_EQ(pte_mfn(large), m2p_extent(0));
  EXPECT_EQ(set_entry(l4_, 4, 256, 0, pv_), fail(XEN_EINVAL));
  EXPECT_EQ(set_entry(l4_, 4, 271, 0, pv_), fail(XEN_EINVAL));
  EXPECT_TRUE(set_entry(l4_, 4, 272, 0, pv_).ok());
}

TEST_F(PageTables, WritableMappingOfATable_FailsValidation_AndReleasesAll) {
  entry(l1_, 1) = make_pte(l1_, kReadWrite);
  EXPECT_FALSE(pin(l4_, 4).ok());
  EXPECT_EQ(frame_info(data_).refs, 1u);
  EXPECT_EQ(frame_info(l1_).type_refs, 0u);
  EXPECT_EQ(frame_info(l4_).refs, 1u);
}

TEST_F(PageTables, ReadOnlyMappingOfATable_IsFine) {
  entry(l1_, 1) = make_pte(l1_, kReadOnly);
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(frame_info(l1_).refs, 3u);
  // Its own mapping keeps the page but does not keep it a table: all comes down with the pin.
  EXPECT_TRUE(unpin_page(l4_));
  EXPECT_EQ(frame_info(l1_).refs, 1u);
}

TEST_F(PageTables, PageMappedWritable_CannotBecomeATable) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(pin(data_, 1), fail(XEN_EINVAL));
  ASSERT_TRUE(set_entry(l1_, 1, 0, make_pte(data_, kReadOnly), pv_).ok());
  EXPECT_TRUE(pin(data_, 1).ok());
  EXPECT_EQ(set_entry(l1_, 1, 0, make_pte(data_, kReadWrite), pv_), fail(XEN_EBUSY));
}

TEST_F(PageTables, FrameOfAnotherDomain_IsEbusy_NoFrame_IsEperm) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(set_entry(l1_, 1, 1, make_pte(page(hvm_), kReadOnly), pv_), fail(XEN_EBUSY));
  EXPECT_EQ(set_entry(l1_, 1, 1, make_pte(Mfn{FakeHost::kFrames}, kReadOnly), pv_), fail(XEN_EPERM));
  EXPECT_EQ(set_entry(l1_, 1, 1, make_pte(Mfn{kFirstRamFrame - 1}, kReadOnly), pv_), fail(XEN_EPERM));
  EXPECT_EQ(set_entry(l1_, 1, 1, kPteFrame | kReadOnly, pv_), fail(XEN_EINVAL));
  EXPECT_EQ(entry(l1_, 1), 0u);
}

TEST_F(PageTables, EntriesOfAnL4_CountAsAccessed) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_NE(entry(l4_, 0) & kPteAccessed, 0u);
  EXPECT_EQ(entry(l3_, 0) & kPteAccessed, 0u);
}

TEST_F(PageTables, CacheAttributes_NeedPrivilege) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(set_entry(l1_, 1, 0, make_pte(data_, kReadOnly | kPteCacheDisable), pv_), fail(XEN_EINVAL));
  pv_.privileged = true;
  EXPECT_TRUE(set_entry(l1_, 1, 0, make_pte(data_, kReadOnly | kPteCacheDisable), pv_).ok());
}

TEST_F(PageTables, LargePage_IsEinval) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(set_entry(l2_, 2, 1, make_pte(data_, kTable | kPteLarge), pv_), fail(XEN_EINVAL));
}

TEST_F(PageTables, UserBit_IsForcedOn_KernelEntriesAreMarked) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(entry(l1_, 0) & (kPteUser | kPteGuestKernel | kPteGlobal), kPteUser | kPteGuestKernel);
  ASSERT_TRUE(set_entry(l1_, 1, 1, make_pte(data_, kReadOnly | kPteUser), pv_).ok());
  EXPECT_EQ(entry(l1_, 1) & (kPteUser | kPteGuestKernel | kPteGlobal), kPteUser | kPteGlobal);
}

TEST_F(PageTables, SoftBits_ChangeWithoutReferences_WritableDoesNot) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  ASSERT_TRUE(set_entry(l1_, 1, 0, make_pte(data_, kReadWrite | kPteDirty | kPteNoExecute), pv_).ok());
  EXPECT_EQ(frame_info(data_).refs, 2u);
  EXPECT_EQ(frame_info(data_).type_refs, 1u);
  ASSERT_TRUE(set_entry(l1_, 1, 0, make_pte(data_, kReadOnly), pv_).ok());
  EXPECT_EQ(frame_info(data_).type_refs, 0u);
}

TEST_F(PageTables, PreserveAd_KeepsWhatHardwareSet) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  entry(l1_, 0) |= kPteAccessed | kPteDirty;
  const EntryUpdate update{.value = make_pte(data_, kReadOnly), .page_owner = &pv_, .preserve_ad = true};
  ASSERT_TRUE(update_entry(l1_, 1, 0, update).ok());
  EXPECT_EQ(entry(l1_, 0) & (kPteAccessed | kPteDirty), kPteAccessed | kPteDirty);
}

TEST_F(PageTables, ReplacingABranch_BumpsTheTranslationVersion) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  const uint64_t before = pv_.tlb_version;
  ASSERT_TRUE(set_entry(l2_, 2, 0, 0, pv_).ok());
  EXPECT_GT(pv_.tlb_version, before);
}

TEST_F(PageTables, ReplacingALeaf_IsFlushedWhenAFrameGetsAnotherType) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  const uint64_t before = translations_version();
  ASSERT_TRUE(set_entry(l1_, 1, 0, 0, pv_).ok());
  EXPECT_EQ(frame_info(data_).refs, 1u);
  EXPECT_EQ(translations_version(), before);
  ASSERT_TRUE(get_page_type(data_, PageType::kWritable).ok());
  put_page_type(data_);
  EXPECT_EQ(translations_version(), before);
  ASSERT_TRUE(get_page_type(data_, PageType::kSegDesc).ok());
  EXPECT_GT(translations_version(), before);
}

TEST_F(PageTables, ReplacingALeaf_IsFlushedWhenItsFrameIsFreed) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  drop_allocation(data_);
  const uint64_t before = translations_version();
  ASSERT_TRUE(set_entry(l1_, 1, 0, 0, pv_).ok());
  EXPECT_GT(translations_version(), before);
}

TEST_F(PageTables, RemovingABranch_ReleasesTheTreeBelow) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  ASSERT_TRUE(set_entry(l4_, 4, 0, 0, pv_).ok());
  EXPECT_EQ(frame_info(l1_).type_refs, 0u);
  EXPECT_EQ(frame_info(data_).type_refs, 0u);
}

TEST_F(PageTables, WrongLevel_IsEinval) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(set_entry(l4_, 4, 1, make_pte(l2_, kTable), pv_), fail(XEN_EINVAL));
  EXPECT_EQ(set_entry(l2_, 2, 1, make_pte(data_, kTable), pv_), fail(XEN_EINVAL));
}

TEST_F(PageTables, ForeignOwner_CountsOnlyAtLevelOne) {
  ASSERT_TRUE(pin(l4_, 4).ok());
  const Mfn foreign = page(hvm_);
  EXPECT_EQ(set_entry(l2_, 2, 1, make_pte(l1_, kTable), hvm_), fail(XEN_EINVAL));
  const EntryUpdate update{.value = make_pte(foreign, kReadWrite), .page_owner = &hvm_, .translate = false};
  ASSERT_TRUE(update_entry(l1_, 1, 1, update).ok());
  EXPECT_EQ(frame_info(foreign).refs, 2u);
  EXPECT_EQ(frame_info(foreign).type_refs, 0u);
  ASSERT_TRUE(set_entry(l1_, 1, 1, 0, pv_).ok());
  EXPECT_EQ(frame_info(foreign).refs, 1u);
}

using LinearTables = PageTables;

TEST_F(LinearTables, SelfMap_ReadOnly_NeedsNoReference) {
  entry(l4_, 5) = make_pte(l4_, kReadOnly);
  ASSERT_TRUE(pin(l4_, 4).ok());
  EXPECT_EQ(frame_info(l4_).type_refs, 1u);
  EXPECT_TRUE(unpin_page(l4_));
  EXPECT_EQ(frame_info(l4_).refs, 1u);
}

TEST_F(LinearTables, WritableSelfMap_IsEinval) {
  entry(l4_, 5) = make_pte(l4_, kReadWrite);
  EXPECT_EQ(pin(l4_, 4), fail(XEN_EINVAL));
}

TEST_F(LinearTables, OneStepDeepOnly) {
  const Mfn second = page(pv_);
  const Mfn third = page(pv_);
  ASSERT_TRUE(pin(l4_, 4).ok());
  ASSERT_TRUE(pin(second, 4).ok());
  ASSERT_TRUE(pin(third, 4).ok());
  ASSERT_TRUE(set_entry(second, 4, 5, make_pte(l4_, kReadOnly), pv_).ok());
  EXPECT_EQ(frame_info(l4_).linear, -1);
  EXPECT_EQ(set_entry(third, 4, 5, make_pte(second, kReadOnly), pv_), fail(XEN_EINVAL));
  EXPECT_EQ(set_entry(l4_, 4, 5, make_pte(third, kReadOnly), pv_), fail(XEN_EINVAL));
  ASSERT_TRUE(set_entry(second, 4, 5, 0, pv_).ok());
  EXPECT_TRUE(set_entry(l4_, 4, 5, make_pte(third, kReadOnly), pv_).ok());
}

TEST_F(LinearTables, PinnedTrees_ComeDownWithTheDomain) {
  const Mfn second = page(pv_);
  ASSERT_TRUE(pin(l4_, 4).ok());
  ASSERT_TRUE(pin(second, 4).ok());
  ASSERT_TRUE(set_entry(second, 4, 5, make_pte(l4_, kReadOnly), pv_).ok());
  ASSERT_TRUE(set_entry(second, 4, 6, make_pte(second, kReadOnly), pv_).ok());
  const uint64_t before = frames_free();
  EXPECT_TRUE(destroy(pv_));
  EXPECT_EQ(frames_free(), before + 7);
}

}  // namespace hv::testing
