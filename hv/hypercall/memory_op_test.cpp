#include <vector>

#include "hv/hypercall/testing/pv_caller.hpp"

namespace hv::testing {

namespace {

xen_memory_reservation_t reservation(uint64_t list, uint64_t count, unsigned order = 0, uint16_t domid = DOMID_SELF) {
  xen_memory_reservation_t request{};
  request.extent_start.p = reinterpret_cast<xen_pfn_t*>(list);
  request.nr_extents = count;
  request.extent_order = order;
  request.domid = domid;
  return request;
}

class MemoryOp : public PvCallerTest {
 protected:
  int64_t run(uint32_t op, xen_memory_reservation_t request) { return memory_op(op, request); }
  int64_t query(uint32_t op, uint16_t domid) {
    xen_memory_domain request{.domid = domid};
    return memory_op(op, request);
  }
  void list(const std::vector<uint64_t>& frames) {
    for (size_t i = 0; i < frames.size(); ++i) pv_put(va(kListPage) + i * 8, frames[i]);
  }
  uint64_t listed(unsigned index) { return pv_get<uint64_t>(va(kListPage) + index * 8); }
};

TEST_F(MemoryOp, Populate_Pv_WritesFramesOverThePfns_AndSetsTheM2p) {
  list({100, 101});
  ASSERT_EQ(run(XENMEM_populate_physmap, reservation(va(kListPage), 2)), 2);
  EXPECT_EQ(m2p_get(Mfn{listed(0)}), 100u);
  EXPECT_EQ(m2p_get(Mfn{listed(1)}), 101u);
  EXPECT_EQ(query(XENMEM_current_reservation, DOMID_SELF), kPvPages + 2);
}

TEST_F(MemoryOp, Populate_StopsAtMaxPages) {
  pv_->memory.max_pages = kPvPages + 1;
  list({100, 101});
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(va(kListPage), 2)), 1);
  EXPECT_EQ(query(XENMEM_maximum_reservation, DOMID_SELF), kPvPages + 1);
}

TEST_F(MemoryOp, Populate_ReadOnlyList_Stops) {
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(va(0), 1)), 0);
}

TEST_F(MemoryOp, Increase_WithoutList_IsCounted_WithList_IsReported) {
  EXPECT_EQ(run(XENMEM_increase_reservation, reservation(0, 3)), 3);
  EXPECT_EQ(run(XENMEM_increase_reservation, reservation(va(kListPage), 1, 2)), 1);
  EXPECT_EQ(frame_info(Mfn{listed(0) + 3}).owner, &pv_->memory);
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages + 7);
}

TEST_F(MemoryOp, Decrease_StopsAtAForeignFrame_AndAtNone) {
  ASSERT_EQ(run(XENMEM_increase_reservation, reservation(va(kListPage), 1)), 1);
  const uint64_t own = listed(0);
  const uint64_t foreign = control_->memory.pages.head.raw();
  list({own, foreign, own});
  EXPECT_EQ(run(XENMEM_decrease_reservation, reservation(va(kListPage), 3)), 1);
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages);
  list({~uint64_t{0}});
  EXPECT_EQ(run(XENMEM_decrease_reservation, reservation(va(kListPage), 1)), 0);
}

TEST_F(MemoryOp, Decrease_MappedPage_StaysUntilItIsUnmapped) {
  list({pages_[kFreePage].raw()});
  EXPECT_EQ(run(XENMEM_decrease_reservation, reservation(va(kListPage), 1)), 1);
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages);
  EXPECT_EQ(call(*pv_, do_update_va_mapping, {va(kFreePage), 0, UVMF_INVLPG}), 0);
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages - 1);
}

TEST_F(MemoryOp, WhatIsWrongWithTheCall_IsZeroExtents) {
  list({100});
  EXPECT_EQ(call(*pv_, do_memory_op, {XENMEM_populate_physmap, kUnmapped}), 0);
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(va(kListPage), 0)), 0);
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(va(kListPage), 0x4000000)), 0);
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(kUnmapped, 1)), 0);
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(HYPERVISOR_VIRT_START, 1)), 0);
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(va(kListPage), 1, 0, 77)), 0);
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(va(kListPage), 1, 0, 0)), 0);
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(va(kListPage), 1, 10)), 0);
  for (const unsigned flags : {XENMEMF_address_bits(12u), XENMEMF_address_bits(1u), XENMEMF_exact_node(0u),
                               static_cast<unsigned>(XENMEMF_populate_on_demand)}) {
    xen_memory_reservation_t request = reservation(va(kListPage), 1);
    request.mem_flags = flags;
    EXPECT_EQ(run(XENMEM_populate_physmap, request), 0) << flags;
  }
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages);
}

TEST_F(MemoryOp, NodeHint_IsIgnored) {
  list({100});
  xen_memory_reservation_t request = reservation(va(kListPage), 1);
  request.mem_flags = XENMEMF_node(3);
  EXPECT_EQ(run(XENMEM_populate_physmap, request), 1);
}

TEST_F(MemoryOp, StartExtent_SkipsWhatWasDone) {
  list({100, 101, 102});
  EXPECT_EQ(run(XENMEM_populate_physmap | 2 << 6, reservation(va(kListPage), 3)), 3);
  EXPECT_EQ(listed(1), 101u);
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages + 1);
}

TEST_F(MemoryOp, Preempted_GoesOn_AndDoesNothingTwice) {
  // Every look at the clock finds the time slice used up.
  host_.on_point = [this](uint32_t kind, const void*) {
    if (kind == ASSAY_POINT_PREEMPT_CHECK) host_.now_ns += 1'000'000'000;
  };
  list({100, 101, 102, 103});
  EXPECT_EQ(run(XENMEM_populate_physmap, reservation(va(kListPage), 4)), 4);
  EXPECT_EQ(continuations_, 3u);
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages + 4);
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(m2p_get(Mfn{listed(i)}), 100 + i);
}

TEST_F(MemoryOp, Queries_ErrorsInOrder) {
  EXPECT_EQ(query(XENMEM_current_reservation | 1 << 6, DOMID_SELF), -XEN_EINVAL);
  EXPECT_EQ(call(*pv_, do_memory_op, {XENMEM_current_reservation, kUnmapped}), -XEN_EFAULT);
  EXPECT_EQ(query(XENMEM_current_reservation, 77), -XEN_ESRCH);
  EXPECT_EQ(query(XENMEM_current_reservation, 0), -XEN_EPERM);
  EXPECT_EQ(query(XENMEM_current_reservation, 1), kPvPages);
  EXPECT_EQ(query(XENMEM_maximum_gpfn, DOMID_SELF), 0);
  pv_->shared_info()->arch.max_pfn = 500;
  EXPECT_EQ(query(XENMEM_maximum_gpfn, DOMID_SELF), 499);
  EXPECT_EQ(call(*pv_, do_memory_op, {XENMEM_maximum_ram_page, kUnmapped}), int64_t{FakeHost::kFrames});
  EXPECT_EQ(call(*pv_, do_memory_op, {63, 0}), -XEN_ENOSYS);
}

TEST_F(MemoryOp, MemoryMap_AbsentUntilSet_ThenCutToWhatFits) {
  xen_memory_map_t ask{};
  ask.nr_entries = 10;
  ask.buffer.p = reinterpret_cast<void*>(va(kListPage));
  EXPECT_EQ(memory_op(XENMEM_memory_map, ask), -XEN_ENOSYS);
  xen_foreign_memory_map_t set{};
  set.domid = DOMID_SELF;
  set.map.nr_entries = 2;
  set.map.buffer.p = reinterpret_cast<void*>(va(kFreePage));
  EXPECT_EQ(memory_op(XENMEM_set_memory_map, set), 0);
  EXPECT_EQ(memory_op(XENMEM_memory_map, ask), 0);
  EXPECT_EQ(ask.nr_entries, 2u);
  ask.nr_entries = 1;
  EXPECT_EQ(memory_op(XENMEM_memory_map, ask), 0);
  EXPECT_EQ(ask.nr_entries, 1u);
  set.map.nr_entries = 1025;
  EXPECT_EQ(memory_op(XENMEM_set_memory_map, set), -XEN_EINVAL);
  set.map.nr_entries = 1;
  set.domid = 0;
  EXPECT_EQ(memory_op(XENMEM_set_memory_map, set), -XEN_EPERM);
  EXPECT_EQ(memory_op(XENMEM_machine_memory_map, ask), -XEN_EPERM);
}

TEST_F(MemoryOp, Machphys_SaysWhereTheTableIs) {
  xen_machphys_mapping_t mapping{};
  EXPECT_EQ(memory_op(XENMEM_machphys_mapping, mapping), 0);
  EXPECT_EQ(mapping.v_start, MACH2PHYS_VIRT_START);
  EXPECT_EQ(mapping.v_end, MACH2PHYS_VIRT_END);
  xen_machphys_mfn_list_t frames{};
  frames.max_extents = 5;
  frames.extent_start.p = reinterpret_cast<xen_pfn_t*>(va(kListPage));
  EXPECT_EQ(memory_op(XENMEM_machphys_mfn_list, frames), 0);
  EXPECT_EQ(frames.nr_extents, m2p_extents());
  EXPECT_EQ(listed(0), m2p_extent(0).raw());
}

TEST_F(MemoryOp, Physmap_OfAPvDomain_IsEacces) {
  xen_add_to_physmap_t add{};
  add.domid = DOMID_SELF;
  EXPECT_EQ(memory_op(XENMEM_add_to_physmap, add), -XEN_EACCES);
  add.space = XENMAPSPACE_gmfn_foreign;
  EXPECT_EQ(memory_op(XENMEM_add_to_physmap, add), -XEN_ENOSYS);
  xen_remove_from_physmap_t remove{};
  remove.domid = DOMID_SELF;
  EXPECT_EQ(memory_op(XENMEM_remove_from_physmap, remove), -XEN_EACCES);
}

TEST_F(MemoryOp, Claim_IsForControlDomains) {
  xen_memory_reservation_t request = reservation(0, 40, 0, 1);
  EXPECT_EQ(memory_op(XENMEM_claim_pages, request), -XEN_EPERM);
  request.extent_order = 1;
  EXPECT_EQ(memory_op(XENMEM_claim_pages, request), -XEN_EINVAL);
}

class Exchange : public MemoryOp {
 protected:
  xen_memory_exchange_t request(unsigned in_order, uint64_t in, unsigned out_order, uint64_t out) {
    xen_memory_exchange_t exchange{};
    exchange.in = reservation(va(kListPage), in, in_order);
    exchange.out = reservation(va(kListPage) + 1024, out, out_order);
    return exchange;
  }
  void get_frames(unsigned count) {
    ASSERT_EQ(run(XENMEM_increase_reservation, reservation(va(kListPage), count)), int64_t{count});
    for (unsigned i = 0; i < count; ++i) pv_put(va(kListPage) + 1024 + i * 8, uint64_t{200} + i);
  }
};

TEST_F(Exchange, FourPages_ForOneBlock_KeepTheReservation) {
  get_frames(4);
  xen_memory_exchange_t exchange = request(0, 4, 2, 1);
  pv_->memory.max_pages = pv_->memory.tot_pages;
  ASSERT_EQ(memory_op(XENMEM_exchange, exchange), 0);
  EXPECT_EQ(exchange.nr_exchanged, 4u);
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages + 4);
  const Mfn block{pv_get<uint64_t>(va(kListPage) + 1024)};
  EXPECT_EQ(block.raw() % 4, 0u);
  EXPECT_EQ(m2p_get(Mfn{block.raw() + 3}), 203u);
}

TEST_F(Exchange, MappedPage_IsEinval_AndChunkStays) {
  get_frames(2);
  const uint64_t first = listed(0);
  list({first, pages_[kFreePage].raw()});
  xen_memory_exchange_t exchange = request(0, 2, 0, 2);
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), -XEN_EINVAL);
  EXPECT_EQ(exchange.nr_exchanged, 1u);
  EXPECT_EQ(frame_info(pages_[kFreePage]).owner, &pv_->memory);
  EXPECT_EQ(pv_->memory.tot_pages, kPvPages + 2);
}

TEST_F(Exchange, SameFrameTwice_IsEinval) {
  get_frames(2);
  list({listed(0), listed(0)});
  xen_memory_exchange_t exchange = request(0, 2, 1, 1);
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), -XEN_EINVAL);
  EXPECT_EQ(exchange.nr_exchanged, 0u);
}

TEST_F(Exchange, BadCalls_ErrorsInOrder) {
  xen_memory_exchange_t exchange = request(10, 1, 10, 1);
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), -XEN_EPERM);
  exchange = request(0, 2, 0, 1);
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), -XEN_EINVAL);
  exchange = request(0, 1, 0, 1);
  exchange.nr_exchanged = 1;
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), 0);
  exchange.nr_exchanged = 0;
  exchange.in.domid = exchange.out.domid = 77;
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), -XEN_ESRCH);
  exchange.in.domid = exchange.out.domid = 0;
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), -XEN_EPERM);
}

class Physmap : public CallerTest {
 protected:
  template <typename T>
  int64_t memory_op(uint32_t command, T& argument) {
    put(*control_, kArgument, argument);
    const int64_t result = call(*control_, do_memory_op, {command, kArgument});
    argument = get<T>(*control_, kArgument);
    return result;
  }
  int64_t add(unsigned space, uint64_t index, uint64_t gfn, uint16_t size = 0) {
    xen_add_to_physmap_t request{};
    request.domid = DOMID_SELF;
    request.space = space;
    request.idx = index;
    request.gpfn = gfn;
    request.size = size;
    return memory_op(XENMEM_add_to_physmap, request);
  }
  int64_t remove(uint64_t gfn) {
    xen_remove_from_physmap_t request{};
    request.domid = DOMID_SELF;
    request.gpfn = gfn;
    return memory_op(XENMEM_remove_from_physmap, request);
  }
  [[nodiscard]] Mfn at(uint64_t gfn) const { return stage2_lookup(control_->memory, Gfn{gfn}).mfn; }
};

TEST_F(Physmap, SharedInfo_IsMapped_ThenMoves) {
  EXPECT_EQ(add(XENMAPSPACE_shared_info, 1, 50), -XEN_EINVAL);
  ASSERT_EQ(add(XENMAPSPACE_shared_info, 0, 50), 0);
  EXPECT_EQ(at(50), control_->memory.shared_info);
  ASSERT_EQ(add(XENMAPSPACE_shared_info, 0, 51), 0);
  EXPECT_EQ(at(50), kInvalidMfn);
  EXPECT_EQ(at(51), control_->memory.shared_info);
}

TEST_F(Physmap, SharedInfo_OverRam_FreesIt) {
  const uint64_t before = control_->memory.tot_pages;
  ASSERT_EQ(add(XENMAPSPACE_shared_info, 0, 7), 0);
  EXPECT_EQ(control_->memory.tot_pages, before - 1);
}

TEST_F(Physmap, Gmfn_MovesAPage_EmptySourceIsEinval) {
  const Mfn page = at(6);
  ASSERT_EQ(add(XENMAPSPACE_gmfn, 6, 60), 0);
  EXPECT_EQ(at(60), page);
  EXPECT_EQ(at(6), kInvalidMfn);
  EXPECT_EQ(add(XENMAPSPACE_gmfn, 6, 61), -XEN_EINVAL);
  EXPECT_EQ(add(XENMAPSPACE_gmfn, 60, 60), 0);
  EXPECT_EQ(at(60), page);
}

TEST_F(Physmap, GmfnRange_Moves_WrapIsEoverflow) {
  const Mfn second = at(7);
  EXPECT_EQ(add(XENMAPSPACE_gmfn_range, 6, ~uint64_t{0} - 1, 4), -XEN_EOVERFLOW);
  ASSERT_EQ(add(XENMAPSPACE_gmfn_range, 6, 70, 2), 0);
  EXPECT_EQ(at(71), second);
}

TEST_F(Physmap, BadPlaces_AreRefused) {
  EXPECT_EQ(add(XENMAPSPACE_shared_info, 0, ~uint64_t{0}), -XEN_EINVAL);
  EXPECT_EQ(add(99, 0, 50), -XEN_EINVAL);
  EXPECT_EQ(add(XENMAPSPACE_dev_mmio, 0, 50), -XEN_EACCES);
  EXPECT_EQ(add(XENMAPSPACE_gmfn_foreign, 0, 50), -XEN_ENOSYS);
}

TEST_F(Physmap, Remove_LeavesTheMemory_EmptyIsEnoent) {
  const uint64_t before = control_->memory.tot_pages;
  EXPECT_EQ(remove(7), 0);
  EXPECT_EQ(remove(7), -XEN_ENOENT);
  EXPECT_EQ(control_->memory.tot_pages, before);
}

TEST_F(Physmap, Batch_ReportsEachItem) {
  put(*control_, kBuffer, std::array<uint64_t, 3>{6, 99, 7});
  put(*control_, kBuffer + 64, std::array<uint64_t, 3>{80, 81, 82});
  xen_add_to_physmap_batch_t request{};
  request.domid = DOMID_SELF;
  request.space = XENMAPSPACE_gmfn;
  request.size = 3;
  request.idxs.p = reinterpret_cast<xen_ulong_t*>(kBuffer);
  request.gpfns.p = reinterpret_cast<xen_pfn_t*>(kBuffer + 64);
  request.errs.p = reinterpret_cast<int*>(kBuffer + 128);
  EXPECT_EQ(memory_op(XENMEM_add_to_physmap_batch, request), 0);
  const auto errors = get<std::array<int, 3>>(*control_, kBuffer + 128);
  EXPECT_EQ(errors, (std::array<int, 3>{0, -XEN_EINVAL, 0}));
  request.space = XENMAPSPACE_gmfn_range;
  EXPECT_EQ(memory_op(XENMEM_add_to_physmap_batch, request), -XEN_EOPNOTSUPP);
}

TEST_F(Physmap, Populate_Hvm_PlacesMemory_AndDecreaseTakesIt) {
  put(*control_, kBuffer, std::array<uint64_t, 2>{0x200, 0x300});
  xen_memory_reservation_t request = reservation(kBuffer, 2, 1);
  EXPECT_EQ(memory_op(XENMEM_populate_physmap, request), 2);
  EXPECT_NE(at(0x301), kInvalidMfn);
  EXPECT_EQ(get<uint64_t>(*control_, kBuffer), 0x200u);
  xen_memory_domain who{.domid = DOMID_SELF};
  EXPECT_EQ(memory_op(XENMEM_maximum_gpfn, who), 0x301);
  EXPECT_EQ(memory_op(XENMEM_decrease_reservation, request), 2);
  EXPECT_EQ(at(0x301), kInvalidMfn);
}

TEST_F(Physmap, Hvm_HasNoMachineAddresses) {
  xen_machphys_mapping_t mapping{};
  EXPECT_EQ(memory_op(XENMEM_machphys_mapping, mapping), -XEN_ENOSYS);
  xen_memory_exchange_t exchange{};
  exchange.in = exchange.out = reservation(kBuffer, 1);
  put(*control_, kBuffer, uint64_t{0x999});
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), -XEN_EINVAL);
  put(*control_, kBuffer, uint64_t{5});
  EXPECT_EQ(memory_op(XENMEM_exchange, exchange), -XEN_EOPNOTSUPP);
}

TEST_F(Physmap, Claim_SetsFramesAside) {
  make(DomId{5}, GuestKind::kPv64, 1);
  xen_memory_reservation_t request = reservation(0, 40, 0, 5);
  EXPECT_EQ(memory_op(XENMEM_claim_pages, request), 0);
  EXPECT_EQ(frames_claimed(), 40u);
  EXPECT_EQ(memory_op(XENMEM_claim_pages, request), -XEN_EINVAL);
  request.nr_extents = 0;
  EXPECT_EQ(memory_op(XENMEM_claim_pages, request), 0);
  EXPECT_EQ(frames_claimed(), 0u);
  request.nr_extents = 65;
  EXPECT_EQ(memory_op(XENMEM_claim_pages, request), -XEN_EINVAL);
}

TEST_F(Physmap, PodTarget_OfAPlainHvmDomain) {
  xen_pod_target_t target{};
  target.domid = DOMID_SELF;
  EXPECT_EQ(memory_op(XENMEM_get_pod_target, target), 0);
  EXPECT_EQ(target.tot_pages, control_->memory.tot_pages);
  EXPECT_EQ(target.pod_entries, 0u);
  target.target_pages = control_->memory.max_pages + 1;
  EXPECT_EQ(memory_op(XENMEM_set_pod_target, target), -XEN_EINVAL);
}

}  // namespace

}  // namespace hv::testing
