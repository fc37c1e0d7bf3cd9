/// What a direct guest does on a real core: both types, by the operations that cases use.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/abi/xen.hpp"
#include "sim/base/paths.hpp"
#include "sim/target/host/target_host.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kMs = 1'000'000;

HostOptions bundled() {
  HostOptions options;
  options.core = artifact("hv.so");
  return options;
}

class DirectGuests : public ::testing::TestWithParam<GuestType> {
 protected:
  DirectGuests() { target_->begin_case(1); }
  Domain& guest(uint32_t vcpus = 1) {
    GuestSpec spec;
    spec.type = GetParam();
    spec.vcpus = spec.vcpus_online = vcpus;
    return target_->create_guest(spec);
  }
  [[nodiscard]] bool is_pv() const { return GetParam() == GuestType::kPv64; }
  /// A port by which vCPU 0 of the domain sends events to itself.
  static evtchn_port_t bind_ipi(Domain& domain, Gva page) {
    evtchn_bind_ipi_t bind{};
    domain.vcpu(0).write(page, bind);
    EXPECT_EQ(domain.vcpu(0).hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_ipi, page.raw()}), 0);
    return domain.vcpu(0).read<evtchn_bind_ipi_t>(page).port;
  }
  std::unique_ptr<Target> target_ = make_host_target(bundled());
};

TEST_P(DirectGuests, Bundled_HasEveryCapability) {
  for (const Capability capability : {Capability::kDom0, Capability::kPv64Guest, Capability::kPvhGuest,
                                      Capability::kTwoGuests, Capability::kThreeGuests, Capability::kMultiVcpu}) {
    EXPECT_TRUE(target_->has(capability)) << to_string(capability);
  }
}

TEST_P(DirectGuests, BadAddress_IsReportedAndTheGuestGoesOn) {
  Vcpu& vcpu = guest().vcpu(0);
  std::array<std::byte, 8> bytes{};
  const Gva nowhere{0x7f0000001234};
  const auto fault = vcpu.read_bytes(nowhere, bytes);
  ASSERT_TRUE(fault.has_value());
  EXPECT_EQ(fault->vector, 14u);
  EXPECT_EQ(fault->address, nowhere.raw());
  EXPECT_EQ(fault->error_code, 0u);
  EXPECT_EQ(vcpu.write_bytes(nowhere, bytes)->error_code, 2u);
  EXPECT_EQ(vcpu.read_bytes(Gva{0x0000900000000000}, bytes)->vector, 13u);
  EXPECT_GT(vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}), 0);
}

TEST_P(DirectGuests, Upcall_IsTakenCountedAndRecorded) {
  Domain& domain = guest();
  Vcpu& vcpu = domain.vcpu(0);
  const Gva page = domain.alloc_pages(1);
  const evtchn_port_t port = bind_ipi(domain, page);
  vcpu.set_upcalls(true);
  const uint64_t before = vcpu.upcalls().count;
  vcpu.write(page, evtchn_send_t{port});
  EXPECT_EQ(vcpu.hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_send, page.raw()}), 0);
  EXPECT_TRUE(vcpu.wait_upcalls(before + 1, kMs));
  const UpcallRecord record = vcpu.upcalls();
  EXPECT_EQ(record.count, before + 1);
  EXPECT_EQ(record.spurious, 0u);
  EXPECT_EQ(record.rflags & 0x200, 0x200u);
  if (is_pv()) {
    EXPECT_EQ(record.mask_at_entry, 1);
  }
  const auto info = vcpu.read<vcpu_info_t>(domain.vcpu_info(0));
  EXPECT_EQ(info.evtchn_upcall_pending, 0);
  EXPECT_NE(info.evtchn_pending_sel, 0u);
}

TEST_P(DirectGuests, HeldUpcall_ComesWhenLetThrough) {
  Domain& domain = guest();
  Vcpu& vcpu = domain.vcpu(0);
  const Gva page = domain.alloc_pages(1);
  const evtchn_port_t port = bind_ipi(domain, page);
  vcpu.set_upcalls(false);
  const uint64_t before = vcpu.upcalls().count;
  vcpu.write(page, evtchn_send_t{port});
  vcpu.hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_send, page.raw()});
  EXPECT_FALSE(vcpu.wait_upcalls(before + 1, 100 * kMs));
  vcpu.set_upcalls(true);
  EXPECT_TRUE(vcpu.wait_upcalls(before + 1, 100 * kMs));
}

TEST_P(DirectGuests, Spin_SpendsTheGuestsOwnTime) {
  Vcpu& vcpu = guest().vcpu(0);
  const uint64_t start = vcpu.time_ns();
  vcpu.spin(50 * kMs);
  const uint64_t spent = vcpu.time_ns() - start;
  EXPECT_GE(spent, 50 * kMs);
  EXPECT_LT(spent, 51 * kMs);
}

TEST_P(DirectGuests, WaitWithoutAnUpcall_TimesOutAtItsTime) {
  Vcpu& vcpu = guest().vcpu(0);
  const uint64_t count = vcpu.upcalls().count;
  const uint64_t start = vcpu.time_ns();
  EXPECT_FALSE(vcpu.wait_upcalls(count + 1, 30 * kMs));
  EXPECT_GE(vcpu.time_ns() - start, 30 * kMs);
}

TEST_P(DirectGuests, Halt_SleepsUntilAnEvent) {
  Domain& domain = guest();
  Vcpu& vcpu = domain.vcpu(0);
  const Gva page = domain.alloc_pages(1);
  const evtchn_port_t virq_port = [&] {
    vcpu.write(page, evtchn_bind_virq_t{.virq = VIRQ_TIMER, .vcpu = 0, .port = 0});
    EXPECT_EQ(vcpu.hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_virq, page.raw()}), 0);
    return vcpu.read<evtchn_bind_virq_t>(page).port;
  }();
  EXPECT_NE(virq_port, 0u);
  vcpu.hypercall(__HYPERVISOR_set_timer_op, {vcpu.time_ns() + 20 * kMs});
  const uint64_t start = vcpu.time_ns();
  vcpu.start_halt();
  EXPECT_FALSE(vcpu.finish_hypercall(10 * kMs).has_value());
  EXPECT_TRUE(vcpu.finish_hypercall(100 * kMs).has_value());
  EXPECT_GE(vcpu.time_ns() - start, 19 * kMs);
}

TEST_P(DirectGuests, Cpuid_ShowsTheHypervisor) {
  const auto leaf = guest().vcpu(0).cpuid(0x40000000);
  ASSERT_TRUE(leaf.ok());
  EXPECT_EQ(leaf.value[1], 0x566e6558u);  // "XenV"
}

TEST_P(DirectGuests, RefusedMsr_IsGeneralProtection) {
  const auto value = guest().vcpu(0).rdmsr(0xdeadbeef);
  ASSERT_FALSE(value.ok());
  EXPECT_EQ(value.fault->vector, 13u);
}

TEST_P(DirectGuests, SecondVcpu_RunsTheAgentToo) {
  Domain& domain = guest(2);
  ASSERT_EQ(domain.vcpu_count(), 2u);
  const Gva page = domain.alloc_pages(1);
  domain.vcpu(0).write<uint32_t>(page, 5);
  EXPECT_EQ(domain.vcpu(1).read<uint32_t>(page), 5u);
  EXPECT_GT(domain.vcpu(1).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}), 0);
}

TEST_P(DirectGuests, MovedVcpuInfo_IsFollowed) {
  Domain& domain = guest();
  Vcpu& vcpu = domain.vcpu(0);
  const Gva page = domain.alloc_pages(1);
  const Gva arg = domain.alloc_pages(1);
  vcpu_register_vcpu_info_t where{};
  where.mfn = domain.gfn_of(page).raw();
  where.offset = 64;
  vcpu.write(arg, where);
  ASSERT_EQ(vcpu.hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_register_vcpu_info, 0, arg.raw()}), 0);
  const auto moved = page + 64;
  EXPECT_NE(vcpu.read<vcpu_info_t>(moved).time.tsc_to_system_mul, 0u);
  if (!is_pv()) return;
  vcpu.set_upcalls(false);
  EXPECT_EQ(vcpu.read<vcpu_info_t>(moved).evtchn_upcall_mask, 1);
  vcpu.set_upcalls(true);
  EXPECT_EQ(vcpu.read<vcpu_info_t>(moved).evtchn_upcall_mask, 0);
}

TEST_P(DirectGuests, DestroyedGuest_LeavesTheOthersRunning) {
  Domain& first = guest();
  Domain& second = guest();
  target_->destroy_guest(first);
  EXPECT_GT(second.vcpu(0).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0}), 0);
  EXPECT_EQ(target_->audit(), "");
}

TEST_P(DirectGuests, RandomWalk_SameSeedSameDigestAndAGoodAudit) {
  HostOptions options = bundled();
  options.policy = HostOptions::Policy::kRandomWalk;
  options.walk_one_in = 3;
  const auto walking = make_host_target(options);
  const auto digest_of = [&](uint64_t seed) {
    walking->begin_case(seed);
    GuestSpec spec;
    spec.type = GetParam();
    spec.vcpus = spec.vcpus_online = 2;
    Domain& domain = walking->create_guest(spec);
    for (int i = 0; i < 50; ++i) {
      domain.vcpu(0).start_hypercall(__HYPERVISOR_sched_op, {SCHEDOP_yield});
      domain.vcpu(1).hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
      EXPECT_TRUE(domain.vcpu(0).finish_hypercall(kMs).has_value());
    }
    walking->destroy_guest(domain);
    EXPECT_EQ(walking->audit(), "");
    return walking->digest();
  };
  const uint64_t first = digest_of(1);
  EXPECT_EQ(digest_of(1), first);
  EXPECT_NE(digest_of(2), first);
}

TEST_P(DirectGuests, ParkedVcpu_SleepsUntilItsPortRings) {
  Domain& domain = guest(2);
  const Gva page = domain.alloc_pages(1);
  const evtchn_port_t port = bind_ipi(domain, page);
  Vcpu& sleeper = domain.vcpu(0);
  sleeper.raw({ASSAY_OP_PARK, {1, port}, {}, {}}, kMs);
  target_->pass_time(kMs);
  sleeper.start_hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
  EXPECT_FALSE(sleeper.finish_hypercall(kMs).has_value());
  domain.vcpu(1).write(page, evtchn_send_t{port});
  EXPECT_EQ(domain.vcpu(1).hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_send, page.raw()}), 0);
  const auto version = sleeper.finish_hypercall(kMs);
  ASSERT_TRUE(version.has_value());
  EXPECT_GT(*version, 0);
}

TEST_P(DirectGuests, DeadGuest_IsToldApartFromAHang) {
  Domain& dying = guest(2);
  const Gva page = dying.alloc_pages(1);
  dying.vcpu(0).write(page, sched_shutdown_t{.reason = SHUTDOWN_crash});
  dying.vcpu(0).start_hypercall(__HYPERVISOR_sched_op, {SCHEDOP_shutdown, page.raw()});
  EXPECT_FALSE(dying.vcpu(0).finish_hypercall(kMs).has_value());
  try {
    dying.vcpu(1).read<uint32_t>(page);
    FAIL() << "a dead guest answered";
  } catch (const TargetDied& died) {
    EXPECT_EQ(died.how(), TargetDied::How::kDeadAgent);
    EXPECT_THAT(died.what(), HasSubstr("is dead, shutdown reason 3"));
  }
}

INSTANTIATE_TEST_SUITE_P(Types, DirectGuests, ::testing::Values(GuestType::kPv64, GuestType::kPvh),
                         [](const auto& type) { return std::string(to_string(type.param)); });

// Nobody answers at an address that the guest's memory does not cover: the bus reads as ones.
TEST(DirectPvhGuest, AbsentMemory_ReadsAsOnes) {
  const auto target = make_host_target(bundled());
  target->begin_case(1);
  GuestSpec spec;
  spec.type = GuestType::kPvh;
  Domain& domain = target->create_guest(spec);
  const Gva absent{domain.space().va_offset + 0x30000000};
  EXPECT_EQ(domain.vcpu(0).read<uint32_t>(absent), 0xffffffffu);
  domain.vcpu(0).write<uint32_t>(absent, 1);
  EXPECT_EQ(domain.vcpu(0).read<uint32_t>(absent), 0xffffffffu);
}

TEST(HostTarget, GoesBackToAMoment_GuestsAndAll) {
  const auto target = make_host_target(bundled());
  target->begin_case(1);
  Domain& guest = target->create_guest({.type = GuestType::kPvh});
  const Gva page = guest.alloc_pages(1);
  guest.vcpu(0).write<uint64_t>(page, 1);
  const auto moment = target->take_moment();
  const uint64_t digest = target->digest();
  const uint64_t left = guest.pages_left();
  guest.vcpu(0).write<uint64_t>(page, 2);
  guest.vcpu(0).set_upcalls(false);
  guest.alloc_pages(1);
  target->pass_time(1'000'000);
  ASSERT_TRUE(target->go_back(*moment));
  EXPECT_EQ(target->digest(), digest);
  EXPECT_EQ(guest.pages_left(), left);
  EXPECT_EQ(guest.vcpu(0).read<uint64_t>(page), 1u);
}

TEST(HostTarget, AMomentIsOfNoUse_OnceGuestsCameOrWent) {
  const auto target = make_host_target(bundled());
  target->begin_case(1);
  Domain& guest = target->create_guest({.type = GuestType::kPv64});
  const auto before = target->take_moment();
  target->destroy_guest(guest);
  EXPECT_FALSE(target->go_back(*before));
  const auto after = target->take_moment();
  EXPECT_TRUE(target->go_back(*after));
  target->begin_case(1);
  EXPECT_FALSE(target->go_back(*after));
}

}  // namespace
}  // namespace assay
