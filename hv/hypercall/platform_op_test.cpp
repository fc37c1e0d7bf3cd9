/// platform_op: who may suspend the machine, and what is as before when it wakes up.
#include "hv/base/timer.hpp"
#include "hv/hypercall/testing/caller.hpp"
#include "sim/abi/xen_services.hpp"

namespace hv::testing {

namespace {

class PlatformOpTest : public CallerTest {
 protected:
  static constexpr uint32_t kSuspendToMemory = 3;

  int64_t platform_op(Domain& caller, uint32_t command, uint32_t state, uint32_t flags = 0) {
    xen_platform_op_t op{};
    op.cmd = command;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.u.enter_acpi_sleep.sleep_state = state;
    op.u.enter_acpi_sleep.flags = flags;
    put(caller, kArgument, op);
    return call(caller, do_platform_op, {kArgument});
  }
  int64_t sleep(uint32_t state, uint32_t flags = 0) {
    return platform_op(*control_, XENPF_enter_acpi_sleep, state, flags);
  }
};

}  // namespace

TEST_F(PlatformOpTest, FaultThenVersionThenPermissionThenCommand) {
  Domain* guest = make(DomId{1}, GuestKind::kHvm, 1);
  EXPECT_EQ(call(*guest, do_platform_op, {kNowhere}), -XEN_EFAULT);
  put(*guest, kArgument, xen_platform_op_t{});
  EXPECT_EQ(call(*guest, do_platform_op, {kArgument}), -XEN_EACCES);
  EXPECT_EQ(platform_op(*guest, 999, 0), -XEN_EPERM);
  EXPECT_EQ(platform_op(*control_, 999, 0), -XEN_ENOSYS);
}

TEST_F(PlatformOpTest, StatesThatAreNotThere) {
  EXPECT_EQ(sleep(0), -XEN_EINVAL);
  EXPECT_EQ(sleep(6), -XEN_EINVAL);
  EXPECT_EQ(sleep(kSuspendToMemory, 2), -XEN_EINVAL);
  EXPECT_EQ(sleep(1), -XEN_EOPNOTSUPP);
  EXPECT_EQ(host_.now_ns, 0u);
}

TEST_F(PlatformOpTest, AfterSleep_TimePassed_AndTimersAreWhereTheyWere) {
  Timer timer{.fire = [](void*) {}};
  timer_set(timer, 1, 100);
  host_.sleep_ns = 500;
  EXPECT_EQ(sleep(kSuspendToMemory), 0);
  EXPECT_EQ(host_.now_ns, 500u);
  EXPECT_EQ(timer.pcpu, 1u);
  EXPECT_EQ(host_.timers[1], 100u) << "due, and soon looked at";
  EXPECT_EQ(host_.timers[0], kNever);
  timer_stop(timer);
}

TEST_F(PlatformOpTest, AfterSleep_DomainsGoOn_ButForThoseThatWereHeld) {
  Domain* guest = make(DomId{1}, GuestKind::kHvm, 1);
  Domain* held = make(DomId{2}, GuestKind::kHvm, 1);
  ASSERT_TRUE(unpause_by_controller(*guest).ok());
  ASSERT_EQ(sleep(kSuspendToMemory), 0);
  EXPECT_EQ(guest->vcpus[0]->pause_flags & kPauseDomain, 0u);
  EXPECT_NE(held->vcpus[0]->pause_flags & kPauseDomain, 0u);
}

}  // namespace hv::testing
