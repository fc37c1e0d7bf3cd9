/// cpu_hotplug: what is refused, and what a pCPU takes along when it goes and gets when it comes back.
#include <string>

#include "hv/base/timer.hpp"
#include "hv/domain/pool_move.hpp"
#include "hv/hypercall/testing/caller.hpp"

namespace hv::testing {

namespace {

class CpuHotplugTest : public CallerTest {
 protected:
  static constexpr uint32_t kOther = 1;

  int64_t sysctl(xen_sysctl_t& op) {
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    put(*control_, kArgument, op);
    const int64_t result = call(*control_, do_sysctl, {kArgument});
    op = get<xen_sysctl_t>(*control_, kArgument);
    return result;
  }
  int64_t hotplug(uint32_t operation, uint32_t pcpu) {
    xen_sysctl_t op{};
    op.cmd = XEN_SYSCTL_cpu_hotplug;
    op.u.cpu_hotplug = {pcpu, operation};
    return sysctl(op);
  }
  int64_t offline(uint32_t pcpu) { return hotplug(XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, pcpu); }
  int64_t online(uint32_t pcpu) { return hotplug(XEN_SYSCTL_CPU_HOTPLUG_ONLINE, pcpu); }
  uint32_t pcpus_online() {
    xen_sysctl_t op{};
    op.cmd = XEN_SYSCTL_physinfo;
    EXPECT_EQ(sysctl(op), 0);
    return op.u.physinfo.nr_cpus;
  }
};

}  // namespace

TEST_F(CpuHotplugTest, Refused_ChangesNothing) {
  EXPECT_EQ(offline(0), -XEN_EINVAL);
  EXPECT_EQ(offline(host().pcpus), -XEN_EINVAL);
  EXPECT_EQ(online(host().pcpus), -XEN_EINVAL);
  EXPECT_EQ(online(kOther), -XEN_EEXIST);
  EXPECT_EQ(hotplug(99, kOther), -XEN_EOPNOTSUPP);
  EXPECT_EQ(pcpus_online(), host().pcpus);
}

TEST_F(CpuHotplugTest, Offline_IsInNoPoolAndNotFree_AndComesBackToPool0) {
  ASSERT_EQ(offline(kOther), 0);
  EXPECT_EQ(offline(kOther), -XEN_EEXIST);
  EXPECT_EQ(cpupool_of(kOther), nullptr);
  EXPECT_FALSE(pcpu_free(kOther));
  EXPECT_EQ(pcpus_online(), host().pcpus - 1);
  ASSERT_EQ(online(kOther), 0);
  EXPECT_EQ(cpupool_of(kOther), &first_cpupool());
  EXPECT_EQ(pcpus_online(), host().pcpus);
}

TEST_F(CpuHotplugTest, Siblings_WithoutThreads_AreNone) {
  EXPECT_EQ(hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE, 0), -XEN_EOPNOTSUPP);
  EXPECT_EQ(hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE, 0), -XEN_EOPNOTSUPP);
}

TEST_F(CpuHotplugTest, Siblings_GoAndComeTogether) {
  host_.set_threads(2);
  ASSERT_EQ(hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE, 0), 0);
  EXPECT_EQ(pcpus_online(), host().pcpus / 2);
  EXPECT_TRUE(sched_pcpu(0).online);
  EXPECT_EQ(hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE, 0), 0) << "nothing left to do";
  ASSERT_EQ(hotplug(XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE, 0), 0);
  EXPECT_EQ(pcpus_online(), host().pcpus);
}

TEST_F(CpuHotplugTest, VcpuThatMayRunNowhereElse_MayRunEverywhere) {
  Domain* guest = make(DomId{1}, GuestKind::kHvm, 1);
  Vcpu& vcpu = *guest->vcpus[0];
  vcpu.hard_affinity[0] = uint64_t{1} << kOther;
  ASSERT_EQ(offline(kOther), 0);
  EXPECT_TRUE(may_run_on(vcpu, 0));
  ASSERT_EQ(online(kOther), 0);
}

TEST_F(CpuHotplugTest, OfAnotherPool_IsRefused_AndStays) {
  take_pcpu(first_cpupool(), kOther);
  const Result<CpuPool*> pool = cpupool_create(XEN_SYSCTL_CPUPOOL_PAR_ANY, *policy_by_name("credit"));
  ASSERT_TRUE(pool.ok() && cpupool_add(**pool, kOther).ok());
  EXPECT_EQ(offline(kOther), -XEN_ENODEV);
  EXPECT_EQ(cpupool_of(kOther), *pool);
  take_pcpu(**pool, kOther);
  EXPECT_TRUE(cpupool_destroy(**pool).ok());
}

TEST_F(CpuHotplugTest, InNoPool_GoesOffline_AndComesBackToPool0) {
  take_pcpu(first_cpupool(), kOther);
  ASSERT_EQ(offline(kOther), 0);
  EXPECT_FALSE(pcpu_free(kOther));
  ASSERT_EQ(online(kOther), 0);
  EXPECT_EQ(cpupool_of(kOther), &first_cpupool());
}

TEST_F(CpuHotplugTest, TimersOfAPcpuThatGoes_FireOnPcpu0) {
  bool fired = false;
  Timer timer{.fire = [](void* to) { *static_cast<bool*>(to) = true; }, .context = &fired};
  timer_set(timer, kOther, host_.now_ns + 100);
  ASSERT_EQ(offline(kOther), 0);
  EXPECT_EQ(host_.timers[kOther], kNever);
  host_.now_ns += 100;
  timers_run(0);
  EXPECT_TRUE(fired);
}

}  // namespace hv::testing
