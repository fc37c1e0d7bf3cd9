/// Second and third domains on the real hypervisor, several vCPUs, and what becomes of them.
#include <gtest/gtest.h>

#include "sim/target/xen/testing.hpp"

namespace assay::xen {
namespace {

constexpr uint64_t kGuestLimitNs = 10'000'000'000;  // never reached, however busy the machine is
constexpr uint64_t kMomentNs = 20'000'000;

class XenGuests : public BootedXenTest {
 protected:
  static int64_t version_of(Vcpu& vcpu) { return vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}); }
  template <typename T>
  static T event_channel_op(Domain& domain, uint32_t command, const T& argument) {
    const Gva page = domain.alloc_pages(1);
    domain.vcpu(0).write(page, argument);
    EXPECT_EQ(domain.vcpu(0).hypercall(__HYPERVISOR_event_channel_op, {command, page.raw()}), 0);
    return domain.vcpu(0).read<T>(page);
  }
  /// True when the domain's first vCPU sleeps in the hypervisor.
  bool is_blocked(DomId domain) {
    xen_domctl op{};
    op.cmd = XEN_DOMCTL_getvcpuinfo;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op.domain = domain.raw();
    const Gva page = target().dom0().alloc_pages(1);
    dom0_vcpu().write(page, op);
    EXPECT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_domctl, {page.raw()}), 0);
    return dom0_vcpu().read<xen_domctl>(page).u.getvcpuinfo.blocked != 0;
  }
};

TEST_F(XenGuests, ThreeDomains_AnswerSideBySide) {
  Domain& pv = target().create_guest({.type = GuestType::kPv64});
  Domain& pvh = target().create_guest({.type = GuestType::kPvh});
  EXPECT_NE(pv.id(), pvh.id());
  for (int round = 0; round < 100; ++round) {
    EXPECT_GT(version_of(dom0_vcpu()), 0);
    EXPECT_GT(version_of(pv.vcpu(0)), 0);
    EXPECT_GT(version_of(pvh.vcpu(0)), 0);
  }
}

TEST_F(XenGuests, SeveralVcpus_OfBothTypes_Answer) {
  for (const GuestType type : {GuestType::kPv64, GuestType::kPvh}) {
    Domain& guest = target().create_guest({.type = type, .vcpus = 3, .vcpus_online = 3});
    ASSERT_EQ(guest.vcpu_count(), 3u);
    for (uint32_t id = 0; id < 3; ++id) EXPECT_GT(version_of(guest.vcpu(id)), 0) << to_string(type) << " " << id;
    target().destroy_guest(guest);
  }
}

TEST_F(XenGuests, SecondaryVcpu_FaultsOnItsOwn) {
  for (const GuestType type : {GuestType::kPv64, GuestType::kPvh}) {
    Domain& guest = target().create_guest({.type = type, .vcpus = 2, .vcpus_online = 2});
    const auto fault = guest.vcpu(1).fill(Gva{0x4000000000}, 1, 0);
    ASSERT_TRUE(fault) << to_string(type);
    EXPECT_EQ(fault->address, 0x4000000000u);
    EXPECT_GT(version_of(guest.vcpu(1)), 0);
  }
}

TEST_F(XenGuests, GuestThatCrashes_IsADeadAgentAndCostsNoBoot) {
  for (const GuestType type : {GuestType::kPv64, GuestType::kPvh}) {
    Domain& guest = target().create_guest({.type = type});
    const Gva page = guest.alloc_pages(1);
    guest.vcpu(0).write(page, sched_shutdown{SHUTDOWN_crash});
    EXPECT_EQ(death_of([&] {
                guest.vcpu(0).hypercall(__HYPERVISOR_sched_op, {SCHEDOP_shutdown, page.raw()});
              }),
              TargetDied::How::kDeadAgent);
    const uint32_t boots = target().boots();
    target().begin_case(0);
    EXPECT_EQ(target().boots(), boots);
  }
}

TEST_F(XenGuests, BlockingHypercall_RepliesLater) {
  Domain& guest = target().create_guest({.type = GuestType::kPv64});
  const auto unbound = event_channel_op(guest, EVTCHNOP_alloc_unbound, evtchn_alloc_unbound{DOMID_SELF, 0, 0});
  const auto bound = event_channel_op(target().dom0(), EVTCHNOP_bind_interdomain,
                                      evtchn_bind_interdomain{guest.id().raw(), unbound.port, 0});
  const Gva page = guest.alloc_pages(2);
  sched_poll poll{};
  poll.ports.p = reinterpret_cast<evtchn_port_t*>((page + kPageSize).raw());
  poll.nr_ports = 1;
  guest.vcpu(0).write(page + kPageSize, unbound.port);
  guest.vcpu(0).write(page, poll);
  guest.vcpu(0).start_hypercall(__HYPERVISOR_sched_op, {SCHEDOP_poll, page.raw()});
  EXPECT_FALSE(guest.vcpu(0).finish_hypercall(kMomentNs));
  EXPECT_THROW(guest.vcpu(0).start_hypercall(__HYPERVISOR_xen_version, {}), HarnessFault);
  event_channel_op(target().dom0(), EVTCHNOP_send, evtchn_send{bound.local_port});
  EXPECT_EQ(guest.vcpu(0).finish_hypercall(kGuestLimitNs), 0);
}

TEST_F(XenGuests, ParkedVcpu_AnswersWhenItsEventComes) {
  Domain& guest = target().create_guest({.type = GuestType::kPvh});
  const auto unbound = event_channel_op(guest, EVTCHNOP_alloc_unbound, evtchn_alloc_unbound{DOMID_SELF, 0, 0});
  const auto bound = event_channel_op(target().dom0(), EVTCHNOP_bind_interdomain,
                                      evtchn_bind_interdomain{guest.id().raw(), unbound.port, 0});
  GuestRequest park;
  park.op = ASSAY_OP_PARK;
  park.arg = {1, unbound.port};
  EXPECT_EQ(guest.vcpu(0).raw(park, kGuestLimitNs).status, ASSAY_STATUS_OK);
  while (!is_blocked(guest.id())) target().pass_time(kMomentNs);
  guest.vcpu(0).start_hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
  EXPECT_FALSE(guest.vcpu(0).finish_hypercall(kMomentNs));
  event_channel_op(target().dom0(), EVTCHNOP_send, evtchn_send{bound.local_port});
  EXPECT_TRUE(guest.vcpu(0).finish_hypercall(kGuestLimitNs));
}

TEST_F(XenGuests, DomainThatACaseForgot_IsGoneForTheNext) {
  target().create_guest({.type = GuestType::kPv64});
  target().create_guest({.type = GuestType::kPvh});
  target().begin_case(0);
  xen_domctl op{};
  op.cmd = XEN_DOMCTL_getdomaininfo;
  op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
  op.domain = 1;
  const Gva page = target().dom0().alloc_pages(1);
  dom0_vcpu().write(page, op);
  EXPECT_EQ(dom0_vcpu().hypercall(__HYPERVISOR_domctl, {page.raw()}), -3) << "ESRCH: no domain but dom0";
}

}  // namespace
}  // namespace assay::xen
