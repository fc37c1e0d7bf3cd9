#include <vector>

#include "hv/hypercall/testing/pv_caller.hpp"

namespace hv::testing {

namespace {

class MmuTest : public PvCallerTest {
 protected:
  /// The machine address of an entry, with the command in its low bits.
  static uint64_t at(Mfn table, unsigned index, uint64_t command = MMU_NORMAL_PT_UPDATE) {
    return (table.raw() << kPageShift) + index * 8 + command;
  }
  int64_t update(const std::vector<mmu_update_t>& requests, uint64_t foreign = DOMID_SELF) {
    return batch(do_mmu_update, requests, foreign);
  }
  int64_t ext(unsigned command, uint64_t arg1, uint64_t arg2 = 0, uint64_t foreign = DOMID_SELF) {
    mmuext_op_t op{};
    op.cmd = command;
    op.arg1.mfn = arg1;
    op.arg2.src_mfn = arg2;
    return batch<mmuext_op_t>(do_mmuext_op, {op}, foreign);
  }
  int64_t unmap(unsigned page) { return call(*pv_, do_update_va_mapping, {va(page), 0, UVMF_INVLPG}); }
  [[nodiscard]] uint64_t writable(unsigned page) const { return make_pte(pages_[page], kPtePresent | kPteWritable); }
};

using MmuUpdate = MmuTest;

TEST_F(MmuUpdate, L1Entry_IsReplaced) {
  EXPECT_EQ(update({{at(l1(), 40), writable(kFreePage)}}), 0);
  EXPECT_EQ(done_, 1u);
  EXPECT_EQ(pte_mfn(entry(l1(), 40)), pages_[kFreePage]);
  EXPECT_EQ(frame_info(pages_[kFreePage]).type_refs, 2u);
}

TEST_F(MmuUpdate, StopsAtTheFirstError_AndReportsWhatWasDone) {
  EXPECT_EQ(update({{at(l1(), 40), writable(kFreePage)},
                    {at(l1(), 41), make_pte(l1(), kPtePresent | kPteWritable)},
                    {at(l1(), 42), writable(kFreePage)}}),
            -XEN_EBUSY);
  EXPECT_EQ(done_, 1u);
  EXPECT_EQ(entry(l1(), 42), 0u);
}

TEST_F(MmuUpdate, Preempted_GoesOn_AndReportsTheSum) {
  host_.on_point = [this](uint32_t kind, const void*) {
    if (kind == ASSAY_POINT_PREEMPT_CHECK) host_.now_ns += 1'000'000'000;
  };
  EXPECT_EQ(update({{at(l1(), 40), writable(kFreePage)},
                    {at(l1(), 41), writable(kFreePage)},
                    {at(l1(), 42), writable(kFreePage)}}),
            0);
  EXPECT_EQ(continuations_, 2u);
  EXPECT_EQ(done_, 3u);
  EXPECT_EQ(frame_info(pages_[kFreePage]).type_refs, 4u);
}

TEST_F(MmuUpdate, NoSuchOwner_IsReportedAsNothingDone) {
  EXPECT_EQ(update({{at(l1(), 40), 0}}, 77), -XEN_ESRCH);
  EXPECT_EQ(done_, 0u);
}

TEST_F(MmuUpdate, OrdinaryFrame_IsStored) {
  EXPECT_EQ(update({{at(pages_[kFreePage], 3), 0x1234}}), 0);
  EXPECT_EQ(entry(pages_[kFreePage], 3), 0x1234u);
}

TEST_F(MmuUpdate, DescriptorTable_AndForeignFrame_AreEinval) {
  ASSERT_EQ(unmap(kFreePage), 0);
  ASSERT_TRUE(get_page_and_type(pages_[kFreePage], pv_->memory, PageType::kSegDesc).ok());
  EXPECT_EQ(update({{at(pages_[kFreePage], 3), 1}}), -XEN_EINVAL);
  put_page_and_type(pages_[kFreePage]);
  EXPECT_EQ(update({{at(control_->memory.pages.head, 0), 1}}), -XEN_EINVAL);
  EXPECT_EQ(update({{at(Mfn{FakeHost::kFrames}, 0), 1}}), -XEN_EINVAL);
}

TEST_F(MmuUpdate, UnknownCommand_IsEnosys) {
  EXPECT_EQ(update({{at(l1(), 40, 4), 0}}), -XEN_ENOSYS);
}

TEST_F(MmuUpdate, M2p_OfAnOwnFrame) {
  EXPECT_EQ(update({{at(pages_[20], 0, MMU_MACHPHYS_UPDATE), 999}}), 0);
  EXPECT_EQ(m2p_get(pages_[20]), 999u);
  EXPECT_EQ(update({{at(control_->memory.pages.head, 0, MMU_MACHPHYS_UPDATE), 5}}), -XEN_EINVAL);
}

TEST_F(MmuUpdate, ForeignOwners_ErrorsInOrder) {
  const std::vector<mmu_update_t> one = {{at(l1(), 40), 0}};
  EXPECT_EQ(update(one, 1), -XEN_ESRCH);
  EXPECT_EQ(update(one, 77), -XEN_ESRCH);
  EXPECT_EQ(update(one, uint64_t{78} << 16 | DOMID_SELF), -XEN_ESRCH);
  EXPECT_EQ(update(one, 0), -XEN_EPERM);
  EXPECT_EQ(update(one, uint64_t{1} << 16 | DOMID_SELF), -XEN_EPERM);
  EXPECT_EQ(update(one, uint64_t{2} << 16 | DOMID_SELF), 0);
}

TEST_F(MmuUpdate, UnreadableList_IsEfault) {
  EXPECT_EQ(call(*pv_, do_mmu_update, {HYPERVISOR_VIRT_START, 1, 0, DOMID_SELF}), -XEN_EFAULT);
  EXPECT_EQ(call(*pv_, do_mmu_update, {kUnmapped, 1, 0, DOMID_SELF}), -XEN_EFAULT);
  EXPECT_EQ(call(*pv_, do_mmu_update, {kUnmapped, 0, 0, DOMID_SELF}), 0);
}

TEST_F(MmuUpdate, PrivilegedDomain_MapsForeignFrames_ByWhatTheOwnerCallsThem) {
  pv_->memory.privileged = pv_->privileged = true;
  const uint64_t gfn = make_pte(Mfn{3}, kPtePresent | kPteWritable);
  EXPECT_EQ(call(*pv_, do_update_va_mapping_otherdomain, {va(kFreePage), gfn, UVMF_TLB_FLUSH, 0}), 0);
  pv_put(va(kFreePage), uint64_t{0xabcd});
  EXPECT_EQ(get<uint64_t>(*control_, 0x3000), 0xabcdu);
  EXPECT_EQ(call(*pv_, do_update_va_mapping_otherdomain, {va(kFreePage), gfn | 99 << kPageShift, 0, 0}), -XEN_EINVAL);
  EXPECT_EQ(unmap(kFreePage), 0);
}

TEST_F(MmuUpdate, PrivilegedDomain_ReadsTheM2p_ButDoesNotWriteIt) {
  pv_->memory.privileged = pv_->privileged = true;
  const uint64_t table = make_pte(m2p_extent(0), kPtePresent);
  EXPECT_EQ(call(*pv_, do_update_va_mapping_otherdomain, {va(kFreePage), table | kPteWritable, 0, DOMID_XEN}),
            -XEN_EBUSY);
  EXPECT_EQ(call(*pv_, do_update_va_mapping_otherdomain, {va(kFreePage), table, 0, DOMID_XEN}), 0);
  EXPECT_EQ(unmap(kFreePage), 0);
}

using UpdateVaMapping = MmuTest;

TEST_F(UpdateVaMapping, NoL1Table_IsEinval) {
  EXPECT_EQ(call(*pv_, do_update_va_mapping, {kUnmapped, 0, 0}), -XEN_EINVAL);
  EXPECT_EQ(call(*pv_, do_update_va_mapping, {HYPERVISOR_VIRT_START, 0, 0}), -XEN_EINVAL);
}

TEST_F(UpdateVaMapping, UnreadableBitmap_IsAnErrorAfterTheUpdate) {
  EXPECT_EQ(call(*pv_, do_update_va_mapping, {va(kFreePage), 0, UVMF_TLB_FLUSH | kUnmapped}), -XEN_EFAULT);
  EXPECT_EQ(entry(l1(), kFreePage), 0u);
}

TEST_F(UpdateVaMapping, OtherDomain_NeedsPrivilege) {
  EXPECT_EQ(call(*pv_, do_update_va_mapping_otherdomain, {va(kFreePage), 0, 0, 0}), -XEN_EPERM);
  EXPECT_EQ(call(*pv_, do_update_va_mapping_otherdomain, {va(kFreePage), 0, 0, 1}), -XEN_ESRCH);
  EXPECT_EQ(call(*pv_, do_update_va_mapping_otherdomain, {va(kFreePage), 0, 0, 77}), -XEN_ESRCH);
}

using MmuExt = MmuTest;

TEST_F(MmuExt, Pin_Unpin) {
  ASSERT_EQ(unmap(kFreePage), 0);
  EXPECT_EQ(ext(MMUEXT_PIN_L4_TABLE, pages_[kFreePage].raw()), 0);
  EXPECT_EQ(ext(MMUEXT_PIN_L4_TABLE, pages_[kFreePage].raw()), -XEN_EINVAL);
  EXPECT_EQ(frame_info(pages_[kFreePage]).type_refs, 1u);
  EXPECT_EQ(ext(MMUEXT_UNPIN_TABLE, pages_[kFreePage].raw()), 0);
  EXPECT_EQ(ext(MMUEXT_UNPIN_TABLE, pages_[kFreePage].raw()), -XEN_EINVAL);
  EXPECT_EQ(call(*pv_, do_update_va_mapping, {va(kFreePage), writable(kFreePage), 0}), 0);
}

TEST_F(MmuExt, Pin_WritablePage_OrNoFrame_IsEinval) {
  EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, pages_[kFreePage].raw()), -XEN_EINVAL);
  EXPECT_EQ(ext(MMUEXT_PIN_L1_TABLE, FakeHost::kFrames), -XEN_EINVAL);
  EXPECT_FALSE(frame_info(pages_[kFreePage]).pinned);
}

TEST_F(MmuExt, NewRoot_IsTaken_OldOneIsDropped) {
  ASSERT_EQ(unmap(kFreePage), 0);
  for (unsigned i = 0; i < kPteCount; ++i) frame_as<uint64_t>(pages_[kFreePage])[i] = entry(l4(), i);
  EXPECT_EQ(ext(MMUEXT_NEW_BASEPTR, pages_[20].raw()), -XEN_EINVAL);
  EXPECT_EQ(pte_mfn(pv_->vcpus[0]->regs.cr3), l4());
  EXPECT_EQ(ext(MMUEXT_NEW_BASEPTR, pages_[kFreePage].raw()), 0);
  EXPECT_EQ(pte_mfn(pv_->vcpus[0]->regs.cr3), pages_[kFreePage]);
  EXPECT_EQ(frame_info(l4()).type_refs, 0u);
}

TEST_F(MmuExt, UserRoot_ZeroClears) {
  EXPECT_EQ(ext(MMUEXT_NEW_USER_BASEPTR, l4().raw()), 0);
  EXPECT_EQ(frame_info(l4()).type_refs, 2u);
  EXPECT_EQ(ext(MMUEXT_NEW_USER_BASEPTR, pages_[20].raw()), -XEN_EINVAL);
  EXPECT_EQ(ext(MMUEXT_NEW_USER_BASEPTR, 0), 0);
  EXPECT_EQ(frame_info(l4()).type_refs, 1u);
}

TEST_F(MmuExt, Flushes_MakeTranslationsStale) {
  const auto version = [this] { return pv_->vcpus[0]->tlb_version + pv_->memory.tlb_version; };
  for (const int command : {MMUEXT_TLB_FLUSH_LOCAL, MMUEXT_INVLPG_LOCAL, MMUEXT_TLB_FLUSH_ALL, MMUEXT_INVLPG_ALL}) {
    const uint64_t before = version();
    EXPECT_EQ(ext(static_cast<unsigned>(command), 0), 0);
    EXPECT_GT(version(), before) << command;
  }
  EXPECT_EQ(ext(MMUEXT_TLB_FLUSH_MULTI, 0, kUnmapped), -XEN_EINVAL);
  EXPECT_EQ(ext(MMUEXT_TLB_FLUSH_MULTI, 0, va(kFreePage)), 0);
}

TEST_F(MmuExt, Ldt_ArgumentsAreChecked) {
  EXPECT_EQ(ext(MMUEXT_SET_LDT, kBase, 8192), 0);
  EXPECT_EQ(ext(MMUEXT_SET_LDT, kBase, 8193), -XEN_EINVAL);
  EXPECT_EQ(ext(MMUEXT_SET_LDT, kBase + 8, 1), -XEN_EINVAL);
  EXPECT_EQ(ext(MMUEXT_SET_LDT, HYPERVISOR_VIRT_START, 1), -XEN_EINVAL);
  EXPECT_EQ(ext(MMUEXT_SET_LDT, kBase, 0), 0);
}

TEST_F(MmuExt, ClearAndCopyPage) {
  pv_put(va(kFreePage), uint64_t{77});
  EXPECT_EQ(ext(MMUEXT_COPY_PAGE, pages_[20].raw(), pages_[kFreePage].raw()), 0);
  EXPECT_EQ(pv_get<uint64_t>(va(20)), 77u);
  EXPECT_EQ(ext(MMUEXT_CLEAR_PAGE, pages_[20].raw()), 0);
  EXPECT_EQ(pv_get<uint64_t>(va(20)), 0u);
  EXPECT_EQ(ext(MMUEXT_CLEAR_PAGE, l1().raw()), -XEN_EINVAL);
  EXPECT_EQ(ext(MMUEXT_COPY_PAGE, pages_[20].raw(), l1().raw()), 0);
}

TEST_F(MmuExt, RefusalsByCommand) {
  EXPECT_EQ(ext(MMUEXT_FLUSH_CACHE, 0), -XEN_EACCES);
  EXPECT_EQ(ext(MMUEXT_FLUSH_CACHE_GLOBAL, 0), -XEN_EINVAL);
  EXPECT_EQ(ext(MMUEXT_MARK_SUPER, 0), -XEN_EOPNOTSUPP);
  EXPECT_EQ(ext(MMUEXT_UNMARK_SUPER, 0), -XEN_EOPNOTSUPP);
  EXPECT_EQ(ext(14, 0), -XEN_ENOSYS);
  EXPECT_EQ(ext(99, 0), -XEN_ENOSYS);
}

TEST_F(MmuExt, ForeignOwners_ErrorsInOrder) {
  EXPECT_EQ(ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0, 77), -XEN_ESRCH);
  EXPECT_EQ(ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0, 1), -XEN_ESRCH);
  EXPECT_EQ(ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0, 0), -XEN_EINVAL);
  make(DomId{3}, GuestKind::kPv64, 1);
  EXPECT_EQ(ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0, 3), -XEN_EPERM);
  pv_->memory.privileged = pv_->privileged = true;
  EXPECT_EQ(ext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0, 3), -XEN_EPERM);
  EXPECT_EQ(ext(MMUEXT_NEW_BASEPTR, l4().raw(), 0, 3), -XEN_EPERM);
}

using GuestAccess = MmuTest;

TEST_F(GuestAccess, PageBoundary_IsCrossed_HoleIsAFault) {
  uint64_t value = 0x1122334455667788;
  EXPECT_TRUE(write_guest(space(), Gva{va(kFreePage + 1) - 4}, value));
  EXPECT_EQ(pv_get<uint64_t>(va(kFreePage + 1) - 4), value);
  EXPECT_FALSE(write_guest(space(), Gva{va(kPvPages) - 4}, value));
  EXPECT_FALSE(read_guest(space(), value, Gva{~uint64_t{0} - 3}));
}

TEST_F(GuestAccess, HypervisorRange_IsNoGuestMemory) {
  uint64_t value = 0;
  EXPECT_FALSE(read_guest(space(), value, Gva{MACH2PHYS_VIRT_START}));
  EXPECT_FALSE(read_guest(space(), value, Gva{uint64_t{1} << 47}));
  EXPECT_FALSE(guest_range_ok(space(), Gva{HYPERVISOR_VIRT_START}, 1, 8));
  EXPECT_TRUE(guest_range_ok(space(), Gva{HYPERVISOR_VIRT_END}, 1, 8));
  EXPECT_FALSE(guest_range_ok(space(), Gva{kBase}, ~uint64_t{0} / 8, 8));
}

TEST_F(GuestAccess, AccessedAndDirty_AreSetAsByHardware) {
  pv_get<uint64_t>(va(kFreePage));
  EXPECT_EQ(entry(l1(), kFreePage) & (kPteAccessed | kPteDirty), kPteAccessed);
  pv_put(va(kFreePage), uint64_t{1});
  EXPECT_EQ(entry(l1(), kFreePage) & (kPteAccessed | kPteDirty), kPteAccessed | kPteDirty);
}

TEST_F(GuestAccess, ReadOnlyPage_CannotBeWritten) {
  EXPECT_FALSE(clear_guest(space(), Gva{va(0)}, 8));
}

}  // namespace

}  // namespace hv::testing
