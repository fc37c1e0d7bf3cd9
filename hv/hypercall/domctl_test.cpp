/// domctl: who may ask, in which order errors come, and how domains are created, paused and described.
#include "hv/hypercall/testing/caller.hpp"

namespace hv::testing {

namespace {

class DomctlTest : public CallerTest {
 protected:
  static xen_domctl_t create(bool hvm) {
    xen_domctl_t op{};
    op.cmd = XEN_DOMCTL_createdomain;
    op.u.createdomain.flags = hvm ? XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap : 0;
    op.u.createdomain.arch.emulation_flags = hvm ? XEN_X86_EMU_LAPIC : 0;
    op.u.createdomain.max_vcpus = 2;
    op.u.createdomain.max_evtchn_port = ~0u;
    op.u.createdomain.max_grant_frames = -1;
    op.u.createdomain.max_maptrack_frames = -1;
    op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(2);
    return op;
  }

  int64_t create_with(void (*change)(xen_domctl_createdomain&), bool hvm = false) {
    xen_domctl_t op = create(hvm);
    change(op.u.createdomain);
    return domctl(*control_, op);
  }

  DomId create_ok(bool hvm = false) {
    xen_domctl_t op = create(hvm);
    EXPECT_EQ(domctl(*control_, op), 0);
    return DomId{op.domain};
  }

  xen_domctl_getdomaininfo_t info(DomId id) {
    xen_domctl_t op{};
    op.cmd = XEN_DOMCTL_getdomaininfo;
    op.domain = id.raw();
    EXPECT_EQ(domctl(*control_, op), 0);
    return op.u.getdomaininfo;
  }

  int64_t max_vcpus(DomId id, uint32_t count) {
    xen_domctl_t op{};
    op.cmd = XEN_DOMCTL_max_vcpus;
    op.domain = id.raw();
    op.u.max_vcpus.max = count;
    return domctl(*control_, op);
  }
};

}  // namespace

TEST_F(DomctlTest, FaultThenVersionThenDomainThenPermissionThenCommand) {
  Domain* guest = make(DomId{1}, GuestKind::kHvm, 1);
  EXPECT_EQ(call(*guest, do_domctl, {kNowhere}), -XEN_EFAULT);
  xen_domctl_t op{};
  op.cmd = 999;
  op.domain = 77;
  put(*guest, kArgument, op);
  EXPECT_EQ(call(*guest, do_domctl, {kArgument}), -XEN_EACCES);
  EXPECT_EQ(domctl(*guest, op), -XEN_ESRCH);
  op.domain = 1;
  EXPECT_EQ(domctl(*guest, op), -XEN_EPERM);
  EXPECT_EQ(domctl(*control_, op), -XEN_ENOSYS);
  op.domain = DOMID_SELF;
  EXPECT_EQ(domctl(*control_, op), -XEN_ESRCH) << "no name but the number";
}

TEST_F(DomctlTest, Create_IdsAreHandedOutInTurn_ExplicitOnesAsGiven) {
  EXPECT_EQ(create_ok(), DomId{1});
  EXPECT_EQ(create_ok(), DomId{2});
  EXPECT_EQ(domctl(XEN_DOMCTL_destroydomain, DomId{1}), 0);
  EXPECT_EQ(create_ok(), DomId{3}) << "a freed id is not used again at once";
  xen_domctl_t op = create(false);
  op.domain = 3;
  EXPECT_EQ(domctl(*control_, op), -XEN_EEXIST);
  op.domain = 100;
  EXPECT_EQ(domctl(*control_, op), 0);
  EXPECT_EQ(create_ok(), DomId{4});
}

TEST_F(DomctlTest, Create_BadConfigurations_LeaveNothing) {
  using Config = xen_domctl_createdomain;
  const size_t before = arena_in_use();
  const uint64_t frames = frames_free();
  EXPECT_EQ(create_with([](Config& c) { c.flags = 1u << 8; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.flags = XEN_DOMCTL_CDF_hap; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.flags = XEN_DOMCTL_CDF_iommu; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.iommu_opts = 1; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.flags = XEN_DOMCTL_CDF_nested_virt; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.max_vcpus = 0; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.max_vcpus = 8193; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.max_vcpus = 129; }, true), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.max_grant_frames = 65; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.max_maptrack_frames = 1025; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.grant_opts = 3; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.grant_opts = 0; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.arch.emulation_flags = XEN_X86_EMU_LAPIC; }), -XEN_EOPNOTSUPP);
  EXPECT_EQ(create_with([](Config& c) { c.arch.emulation_flags = XEN_X86_EMU_PIT; }, true), -XEN_EOPNOTSUPP);
  EXPECT_EQ(create_with([](Config& c) { c.arch.emulation_flags = 1u << 11; }, true), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.flags = XEN_DOMCTL_CDF_s3_integrity; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.cpupool_id = 1; }), -XEN_ESRCH);
  EXPECT_EQ(create_with([](Config& c) { c.arch.misc_flags = 2; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.vmtrace_size = 4096; }), -XEN_EINVAL);
  EXPECT_EQ(create_with([](Config& c) { c.flags = XEN_DOMCTL_CDF_hvm; }, true), -XEN_EOPNOTSUPP);
  EXPECT_EQ(arena_in_use(), before);
  EXPECT_EQ(frames_free(), frames);
}

TEST_F(DomctlTest, Create_FullScaleLimits_AreAccepted) {
  using Config = xen_domctl_createdomain;
  EXPECT_EQ(create_with([](Config& c) { c.max_vcpus = 128; }, true), 0);
  EXPECT_EQ(create_with([](Config& c) { c.max_vcpus = 8192; }), 0);
}

TEST_F(DomctlTest, Create_NoMemory_IsEnomem_NothingLeft) {
  Domain* hog = make(DomId{1}, GuestKind::kPv64, 1);
  hog->memory.max_pages = FakeHost::kFrames;
  while (frames_free() > 16) ASSERT_TRUE(alloc_domain_frames(hog->memory, 0).ok());
  const size_t before = arena_in_use();
  xen_domctl_t op = create(true);
  EXPECT_EQ(domctl(*control_, op), -XEN_ENOMEM);
  EXPECT_EQ(arena_in_use(), before);
  EXPECT_EQ(frames_free(), 16u);
}

TEST_F(DomctlTest, NewDomain_IsPausedEmptyAndHasNoVcpus) {
  const DomId id = create_ok();
  const xen_domctl_getdomaininfo_t seen = info(id);
  EXPECT_EQ(seen.flags & 0xffffu, uint32_t{XEN_DOMINF_paused});
  EXPECT_EQ(seen.tot_pages, 0u);
  EXPECT_EQ(seen.max_vcpu_id, XEN_INVALID_MAX_VCPU_ID);
  EXPECT_EQ(max_vcpus(id, 3), -XEN_EINVAL);
  EXPECT_EQ(max_vcpus(id, 2), 0);
  EXPECT_EQ(max_vcpus(id, 2), 0);
  EXPECT_EQ(max_vcpus(control_->id, 1), -XEN_EINVAL);
  EXPECT_EQ(info(id).max_vcpu_id, 1u);
  EXPECT_EQ(info(id).nr_online_vcpus, 0u);
}

TEST_F(DomctlTest, Pause_NestsUpTo255) {
  const DomId id = create_ok();
  for (int i = 1; i < 255; ++i) ASSERT_EQ(domctl(XEN_DOMCTL_pausedomain, id), 0);
  EXPECT_EQ(domctl(XEN_DOMCTL_pausedomain, id), -XEN_EOVERFLOW);
  for (int i = 0; i < 255; ++i) ASSERT_EQ(domctl(XEN_DOMCTL_unpausedomain, id), 0);
  EXPECT_EQ(domctl(XEN_DOMCTL_unpausedomain, id), -XEN_EINVAL);
  EXPECT_EQ(info(id).flags & XEN_DOMINF_paused, 0u);
}

TEST_F(DomctlTest, OnOneself_IsEinval) {
  for (const int command : {XEN_DOMCTL_pausedomain, XEN_DOMCTL_destroydomain, XEN_DOMCTL_resumedomain,
                            XEN_DOMCTL_soft_reset, XEN_DOMCTL_gettscinfo, XEN_DOMCTL_settscinfo,
                            XEN_DOMCTL_setdebugging, XEN_DOMCTL_gethvmcontext, XEN_DOMCTL_sethvmcontext}) {
    EXPECT_EQ(domctl(static_cast<uint32_t>(command), control_->id), -XEN_EINVAL) << command;
  }
}

TEST_F(DomctlTest, GetDomainInfo_NextHigherId_PastTheLast_Reserved) {
  Domain* guest = make(DomId{5}, GuestKind::kHvm, 1);
  EXPECT_EQ(info(DomId{3}).domain, 5);
  EXPECT_NE(info(DomId{5}).flags & XEN_DOMINF_hvm_guest, 0u);
  EXPECT_EQ(info(DomId{5}).tot_pages, kRamPages);
  EXPECT_EQ(domctl(XEN_DOMCTL_getdomaininfo, DomId{6}), -XEN_ESRCH);
  EXPECT_EQ(domctl(XEN_DOMCTL_getdomaininfo, DomId{DOMID_SELF}), -XEN_EINVAL);
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_getdomaininfo;
  op.domain = 5;
  EXPECT_EQ(domctl(*guest, op), -XEN_EPERM);
}

TEST_F(DomctlTest, GetDomainInfo_CarriesNoBytesOfOurs) {
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_getdomaininfo;
  std::memset(&op.u, 0xa5, sizeof op.u);
  EXPECT_EQ(domctl(*control_, op), 0);
  EXPECT_EQ(op.u.getdomaininfo.pad1, 0);
  for (const uint8_t byte : op.u.getdomaininfo.pad2) EXPECT_EQ(byte, 0);
}

TEST_F(DomctlTest, Handle_IsTheOneThatWasSet) {
  const DomId id = create_ok();
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_setdomainhandle;
  op.domain = id.raw();
  for (uint8_t i = 0; i < 16; ++i) op.u.setdomainhandle.handle[i] = i;
  EXPECT_EQ(domctl(*control_, op), 0);
  EXPECT_EQ(info(id).handle[15], 15);
}

TEST_F(DomctlTest, VcpuInfo_TooLarge_Unallocated_Down) {
  const DomId id = create_ok();
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_getvcpuinfo;
  op.domain = id.raw();
  op.u.getvcpuinfo.vcpu = 2;
  EXPECT_EQ(domctl(*control_, op), -XEN_EINVAL);
  op.u.getvcpuinfo.vcpu = 1;
  EXPECT_EQ(domctl(*control_, op), -XEN_ESRCH);
  ASSERT_EQ(max_vcpus(id, 2), 0);
  EXPECT_EQ(domctl(*control_, op), 0);
  EXPECT_EQ(op.u.getvcpuinfo.online, 0);
}

TEST_F(DomctlTest, AddressSize_Is64ForPv_NothingForHvm) {
  const DomId pv = create_ok(false);
  const DomId hvm = create_ok(true);
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_set_address_size;
  op.domain = pv.raw();
  for (const auto& [size, result] : {std::pair{64u, 0}, {32u, -XEN_EOPNOTSUPP}, {16u, -XEN_EINVAL}}) {
    op.u.address_size.size = size;
    EXPECT_EQ(domctl(*control_, op), result) << size;
  }
  EXPECT_EQ(domctl(XEN_DOMCTL_get_address_size, hvm), -XEN_EOPNOTSUPP);
}

TEST_F(DomctlTest, MaxMem_BelowUsage_IsAccepted_ThenNothingMore) {
  Domain* guest = make(DomId{1}, GuestKind::kHvm, 1);
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_max_mem;
  op.domain = 1;
  op.u.max_mem.max_memkb = 4;
  EXPECT_EQ(domctl(*control_, op), 0);
  EXPECT_EQ(guest->memory.max_pages, 1u);
  EXPECT_FALSE(alloc_domain_frames(guest->memory, 0).ok());
}

TEST_F(DomctlTest, PageFrameInfo_AtMost1024_XtabForNoFrame) {
  make(DomId{1}, GuestKind::kHvm, 1);
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_getpageframeinfo3;
  op.domain = 1;
  op.u.getpageframeinfo3.num = 1025;
  op.u.getpageframeinfo3.array.p = reinterpret_cast<xen_pfn_t*>(kBuffer);
  EXPECT_EQ(domctl(*control_, op), -XEN_E2BIG);
  op.u.getpageframeinfo3.num = 2;
  put<uint64_t>(*control_, kBuffer, 0);
  put<uint64_t>(*control_, kBuffer + 8, 1'000'000);
  EXPECT_EQ(domctl(*control_, op), 0);
  EXPECT_EQ(get<uint64_t>(*control_, kBuffer), XEN_DOMCTL_PFINFO_NOTAB);
  EXPECT_EQ(get<uint64_t>(*control_, kBuffer + 8), XEN_DOMCTL_PFINFO_XTAB);
}

TEST_F(DomctlTest, Affinity_OutsideTheMachine_ChangesNothing_SoftMayBeEmpty) {
  Domain* guest = make(DomId{1}, GuestKind::kHvm, 1);
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_setvcpuaffinity;
  op.domain = 1;
  xen_domctl_vcpuaffinity& p = op.u.vcpuaffinity;
  EXPECT_EQ(domctl(*control_, op), -XEN_EINVAL) << "no flags";
  p.flags = XEN_VCPUAFFINITY_HARD;
  EXPECT_EQ(domctl(*control_, op), -XEN_EINVAL) << "no bitmap";
  p.flags = XEN_VCPUAFFINITY_FORCE;
  EXPECT_EQ(domctl(*control_, op), 0) << "no mask asked for, none touched";
  p.flags = XEN_VCPUAFFINITY_HARD;
  p.cpumap_hard.bitmap.p = reinterpret_cast<uint8_t*>(kBuffer);
  p.cpumap_hard.nr_bits = 256;
  put<uint64_t>(*control_, kBuffer, 1u << 7);
  EXPECT_EQ(domctl(*control_, op), -XEN_EINVAL) << "not on this machine";
  EXPECT_EQ(guest->vcpus[0]->hard_affinity[0], ~0ull);
  put<uint64_t>(*control_, kBuffer, 0xff02);
  put<uint64_t>(*control_, kBuffer + 24, ~0ull);
  EXPECT_EQ(domctl(*control_, op), 0);
  EXPECT_EQ(get<uint64_t>(*control_, kBuffer), 2u) << "what is in effect";
  EXPECT_EQ(get<uint64_t>(*control_, kBuffer + 24), 0u);
  p.flags |= XEN_VCPUAFFINITY_SOFT;
  p.cpumap_soft.bitmap.p = reinterpret_cast<uint8_t*>(kBuffer + 64);
  p.cpumap_soft.nr_bits = 8;
  put<uint64_t>(*control_, kBuffer, 1);
  put<uint64_t>(*control_, kBuffer + 64, 0x80);
  EXPECT_EQ(domctl(*control_, op), 0) << "no pCPU of the soft mask exists: as the real Xen, accepted";
  EXPECT_EQ(guest->vcpus[0]->hard_affinity[0] & 3, 1u);
  p.vcpu = 1;
  EXPECT_EQ(domctl(*control_, op), -XEN_EINVAL);
}

TEST_F(DomctlTest, Trigger_Target_VirqHandler_Scheduler) {
  make(DomId{1}, GuestKind::kPv64, 1);
  make(DomId{2}, GuestKind::kHvm, 1);
  xen_domctl_t op{};
  op.cmd = XEN_DOMCTL_sendtrigger;
  op.domain = 1;
  op.u.sendtrigger.vcpu = 1;
  EXPECT_EQ(domctl(*control_, op), -XEN_ESRCH);
  op.u.sendtrigger = {XEN_DOMCTL_SENDTRIGGER_POWER, 0};
  EXPECT_EQ(domctl(*control_, op), -XEN_EINVAL);
  op.u.sendtrigger.trigger = 99;
  EXPECT_EQ(domctl(*control_, op), -XEN_ENOSYS);
  op.cmd = XEN_DOMCTL_set_target;
  for (const auto& [target, result] : {std::pair{77, -XEN_ESRCH}, {1, -XEN_EINVAL}, {0, 0}, {2, -XEN_EINVAL}}) {
    op.u.set_target.target = static_cast<domid_t>(target);
    EXPECT_EQ(domctl(*control_, op), result) << target;
  }
  op.cmd = XEN_DOMCTL_set_virq_handler;
  op.u.set_virq_handler.virq = VIRQ_TIMER;
  EXPECT_EQ(domctl(*control_, op), -XEN_EINVAL);
  op.cmd = XEN_DOMCTL_scheduler_op;
  op.u.scheduler_op.sched_id = 99;
  EXPECT_EQ(domctl(*control_, op), -XEN_EINVAL);
  op.u.scheduler_op = {};
  op.u.scheduler_op.sched_id = first_cpupool().policy->abi_id();
  op.u.scheduler_op.cmd = XEN_DOMCTL_SCHEDOP_getinfo;
  EXPECT_EQ(domctl(*control_, op), 0);
  EXPECT_EQ(op.u.scheduler_op.u.credit.weight, 256);
}

}  // namespace hv::testing
