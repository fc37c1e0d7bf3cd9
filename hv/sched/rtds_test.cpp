#include "hv/sched/rtds.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "hv/sched/testing/pool_machine.hpp"

namespace hv::testing {

namespace {

constexpr Ns kSecond = 1000 * kMillisecond;
constexpr uint32_t kMs = 1000;  ///< in the microseconds of parameters

uint32_t below(std::mt19937& random, uint32_t limit) {
  return static_cast<uint32_t>(random() % limit);
}

class RtdsTest : public ::testing::Test {
 protected:
  explicit RtdsTest(uint32_t pcpus = 1) : machine_(pcpus, "rtds") {}
  ~RtdsTest() override { EXPECT_EQ(machine_.audit(), ""); }

  static Status put(Vcpu& vcpu, uint32_t period_us, uint32_t budget_us, bool extratime) {
    const PolicyGuard policy(vcpu);
    xen_domctl_schedparam_vcpu_t parameters{};
    parameters.u.rtds = {period_us, budget_us, extratime ? XEN_DOMCTL_SCHEDRT_extra : 0};
    return policy->put_vcpu(vcpu, parameters);
  }
  static xen_domctl_sched_rtds get(const Vcpu& vcpu) {
    const PolicyGuard policy(vcpu);
    xen_domctl_schedparam_vcpu_t parameters{};
    EXPECT_TRUE(policy->get_vcpu(vcpu, parameters).ok());
    return parameters.u.rtds;
  }
  /// A domain of one vCPU that is down.
  Vcpu& server(uint32_t period_us, uint32_t budget_us, bool extratime = false) {
    Vcpu& vcpu = machine_.add(1).vcpus[0];
    EXPECT_TRUE(put(vcpu, period_us, budget_us, extratime).ok());
    return vcpu;
  }
  static void start(Vcpu& vcpu) { vcpu_unpause(vcpu, kPauseDown); }
  static Ns ran(const Vcpu& vcpu) { return PoolMachine::ran(vcpu); }

  /// Random servers, each of at most `most` permille of a pCPU, `total` permille together.
  std::vector<Vcpu*> random_servers(std::mt19937& random, uint32_t most, uint32_t total) {
    std::vector<Vcpu*> servers;
    while (total > 20) {
      const uint32_t share = std::min<uint32_t>(total, 10 + below(random, most - 9));
      const uint32_t period = (1 + below(random, 30)) * kMs;
      servers.push_back(&server(period, period * share / 1000));
      total -= share;
    }
    return servers;
  }
  /// Runs, and sees that each gets exactly its budget in each of its periods, which all began at the same time.
  void expect_supply(const std::vector<Vcpu*>& servers, Ns duration) {
    const Ns begin = machine_.clock();
    for (Vcpu* vcpu : servers) start(*vcpu);
    std::vector<Ns> before(servers.size());
    for (Ns past = kMillisecond; past <= duration; past += kMillisecond) {
      machine_.run_until(begin + past);
      for (size_t i = 0; i < servers.size(); ++i) {
        const xen_domctl_sched_rtds parameters = get(*servers[i]);
        if (past % (parameters.period * kMicrosecond) != 0) continue;
        ASSERT_EQ(ran(*servers[i]) - before[i], parameters.budget * kMicrosecond)
            << "server " << i << " of " << parameters.period << " us, " << past / kMillisecond << " ms after the start";
        before[i] = ran(*servers[i]);
      }
    }
  }

  PoolMachine machine_;
};

class RtdsFourTest : public RtdsTest {
 protected:
  RtdsFourTest() : RtdsTest(4) {}
};

}  // namespace

TEST_F(RtdsTest, Defaults_AreFourOfTenMilliseconds_WithExtraTime) {
  const auto& guest = machine_.add(1);
  const xen_domctl_sched_rtds parameters = get(guest.vcpus[0]);
  EXPECT_EQ(parameters.period, 10'000u);
  EXPECT_EQ(parameters.budget, 4'000u);
  EXPECT_EQ(parameters.flags, XEN_DOMCTL_SCHEDRT_extra);
}

TEST_F(RtdsTest, Parameters_OfAVcpu_HaveLimits) {
  Vcpu& vcpu = server(20 * kMs, 5 * kMs);
  EXPECT_FALSE(put(vcpu, 9, 9, false).ok());
  EXPECT_FALSE(put(vcpu, 20, 9, false).ok());
  EXPECT_FALSE(put(vcpu, 20, 21, false).ok());
  EXPECT_EQ(get(vcpu).period, 20 * kMs) << "refused, nothing has changed";
  EXPECT_EQ(get(vcpu).budget, 5 * kMs);
  EXPECT_TRUE(put(vcpu, 10, 10, true).ok());
  EXPECT_TRUE(put(vcpu, ~0u, ~0u, true).ok());
  EXPECT_EQ(get(vcpu).period, ~0u);
}

TEST_F(RtdsTest, ParametersOfADomain_AreForAllItsVcpus_AndLeaveExtraTime) {
  auto& guest = machine_.add(2);
  EXPECT_TRUE(put(guest.vcpus[1], 20 * kMs, 5 * kMs, false).ok());
  const PolicyGuard policy(guest.vcpus[0]);
  xen_domctl_scheduler_op op{};
  op.u.rtds = {30 * kMs, 6 * kMs, 0};
  EXPECT_TRUE(policy->put_domain(*guest.sched.data, op).ok());
  xen_domctl_schedparam_vcpu_t parameters{};
  for (const uint32_t vcpu : {0u, 1u}) {
    EXPECT_TRUE(policy->get_vcpu(guest.vcpus[vcpu], parameters).ok());
    EXPECT_EQ(parameters.u.rtds.period, 30 * kMs);
    EXPECT_EQ(parameters.u.rtds.flags, vcpu == 0 ? XEN_DOMCTL_SCHEDRT_extra : 0);
  }
  op.u.rtds = {0, 6 * kMs, 0};
  EXPECT_FALSE(policy->put_domain(*guest.sched.data, op).ok());
  op.u.rtds = {30 * kMs, 0, 0};
  EXPECT_FALSE(policy->put_domain(*guest.sched.data, op).ok());
  EXPECT_TRUE(policy->get_domain(*guest.sched.data, op).ok());
  EXPECT_EQ(op.u.rtds.period, 10 * kMs) << "what new ones have";
}

TEST_F(RtdsTest, Alone_WithoutExtraTime_RunsItsBudgetInEachPeriod) {
  expect_supply({&server(10 * kMs, 4 * kMs)}, kSecond);
  EXPECT_EQ(sched_idle_ns(0), kSecond - 400 * kMillisecond);
}

TEST_F(RtdsTest, Alone_WithExtraTime_RunsAllTheTime) {
  Vcpu& vcpu = server(10 * kMs, 4 * kMs, true);
  start(vcpu);
  machine_.run_for(kSecond);
  EXPECT_EQ(ran(vcpu), kSecond);
}

TEST_F(RtdsTest, EarlierDeadline_RunsFirst_AndPreempts) {
  Vcpu& late = server(20 * kMs, 8 * kMs);
  Vcpu& early = server(6 * kMs, 2 * kMs);
  start(late);
  machine_.run_for(kMillisecond);
  EXPECT_TRUE(late.running);
  start(early);  // its period began with the other's: its deadline is at 6 ms
  machine_.run_for(1);
  EXPECT_TRUE(early.running);
  machine_.run_until(4 * kMillisecond);
  EXPECT_EQ(ran(early), 2 * kMillisecond);
  EXPECT_TRUE(late.running);
  machine_.run_until(6 * kMillisecond + 1);
  EXPECT_TRUE(early.running) << "with its new budget";
}

TEST_F(RtdsTest, FullyUsedPcpu_EachGetsItsBudgetInEachPeriod) {
  std::mt19937 random(1);
  expect_supply(random_servers(random, 500, 1000), kSecond);
}

// Global EDF keeps all deadlines when the sum is at most m - (m - 1) * the greatest share (Goossens, Funk, Baruah).
TEST_F(RtdsFourTest, FeasibleSets_EachGetsItsBudgetInEachPeriod) {
  std::mt19937 random(7);
  expect_supply(random_servers(random, 300, 4000 - 3 * 300), kSecond);
}

TEST_F(RtdsTest, ExtraTime_IsWhatNobodyHasReserved) {
  Vcpu& reserved = server(10 * kMs, 4 * kMs);
  Vcpu& extra = server(10 * kMs, 1 * kMs, true);
  start(extra);
  start(reserved);
  for (int period = 1; period <= 100; ++period) {
    machine_.run_for(10 * kMillisecond);
    ASSERT_EQ(ran(reserved), Ns(period) * 4 * kMillisecond);
    ASSERT_EQ(ran(extra), Ns(period) * 6 * kMillisecond);
  }
}

TEST_F(RtdsTest, ExtraTime_IsSharedByLevels) {
  Vcpu& one = server(10 * kMs, 1 * kMs, true);
  Vcpu& two = server(10 * kMs, 1 * kMs, true);
  start(one);
  start(two);
  for (int period = 1; period <= 100; ++period) {
    machine_.run_for(10 * kMillisecond);
    ASSERT_EQ(ran(one), Ns(period) * 5 * kMillisecond);
    ASSERT_EQ(ran(two), Ns(period) * 5 * kMillisecond);
  }
}

TEST_F(RtdsTest, Depleted_SleepingAndWakingGivesNothing_UntilTheNextPeriod) {
  Vcpu& vcpu = server(10 * kMs, 4 * kMs);
  start(vcpu);
  machine_.run_until(5 * kMillisecond);
  vcpu_pause(vcpu, kPauseBlocked);
  machine_.run_until(6 * kMillisecond);
  vcpu_unpause(vcpu, kPauseBlocked);
  machine_.run_until(10 * kMillisecond);
  EXPECT_EQ(ran(vcpu), 4 * kMillisecond);
  machine_.run_until(11 * kMillisecond);
  EXPECT_EQ(ran(vcpu), 5 * kMillisecond);
}

TEST_F(RtdsTest, Deferrable_WhatWasNotUsedBeforeABlock_IsThereAfterIt_AndLostAtTheEndOfThePeriod) {
  Vcpu& vcpu = server(10 * kMs, 4 * kMs);
  start(vcpu);
  machine_.run_until(kMillisecond);
  vcpu_pause(vcpu, kPauseBlocked);
  machine_.run_until(8 * kMillisecond);
  vcpu_unpause(vcpu, kPauseBlocked);
  machine_.run_until(20 * kMillisecond);
  EXPECT_EQ(ran(vcpu), (1 + 2 + 4) * kMillisecond);
}

TEST_F(RtdsTest, LongSleep_KeepsThePhaseOfPeriods) {
  Vcpu& vcpu = server(10 * kMs, 4 * kMs);
  start(vcpu);
  machine_.run_until(kMillisecond);
  vcpu_pause(vcpu, kPauseBlocked);
  machine_.run_until(67 * kMillisecond);
  vcpu_unpause(vcpu, kPauseBlocked);
  machine_.run_until(80 * kMillisecond);
  EXPECT_EQ(ran(vcpu), (1 + 3 + 4) * kMillisecond);
}

TEST_F(RtdsTest, LateReplenishment_ChargesEachPeriodForItsOwnRunTime) {
  Vcpu& vcpu = server(10 * kMs, 6 * kMs);
  machine_.run_until(7 * kMillisecond);
  start(vcpu);
  machine_.run_until(9 * kMillisecond);
  machine_.skip(2 * kMillisecond);
  machine_.run_until(20 * kMillisecond);
  EXPECT_EQ(ran(vcpu), (3 + 6) * kMillisecond);
}

TEST_F(RtdsTest, NewParameters_AreThoseOfTheNextPeriod) {
  Vcpu& vcpu = server(10 * kMs, 4 * kMs);
  start(vcpu);
  machine_.run_until(kMillisecond);
  EXPECT_TRUE(put(vcpu, 5 * kMs, 1 * kMs, false).ok());
  machine_.run_until(10 * kMillisecond);
  EXPECT_EQ(ran(vcpu), 4 * kMillisecond);
  machine_.run_until(30 * kMillisecond);
  EXPECT_EQ(ran(vcpu), 8 * kMillisecond);
}

TEST_F(RtdsTest, SleepsWhileItRuns_LeavesTheReplenishmentQueue) {
  Vcpu& vcpu = server(10 * kMs, 4 * kMs);
  for (int i = 0; i < 3; ++i) {
    start(vcpu);
    machine_.run_for(kMillisecond);
    vcpu_pause(vcpu, kPauseDown);
    machine_.run_for(kMillisecond);
    EXPECT_EQ(machine_.audit(), "");
  }
  machine_.run_for(kSecond);
  EXPECT_EQ(ran(vcpu), 3 * kMillisecond);
}

TEST_F(RtdsFourTest, WokenInOneMoment_EachGetsAPcpuOfItsOwn) {
  auto& guest = machine_.add(4);
  machine_.run_for(1);  // all pCPUs have found nothing
  for (Vcpu& vcpu : guest.vcpus) {
    vcpu.pcpu = 0;  // where all of them were last
    start(vcpu);
  }
  machine_.run_for(kMillisecond);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_EQ(ran(vcpu), kMillisecond);
}

TEST_F(RtdsFourTest, PcpuOfTheTimerLeaves_BudgetsStillCome) {
  Vcpu& vcpu = server(10 * kMs, 4 * kMs);
  PoolMachine::pin(vcpu, 0b1000);
  start(vcpu);
  machine_.run_until(5 * kMillisecond);
  for (const uint32_t pcpu : {0u, 1u}) machine_.take_pcpu(pcpu);
  machine_.run_until(100 * kMillisecond);
  EXPECT_EQ(ran(vcpu), 40 * kMillisecond);
}

TEST_F(RtdsFourTest, RandomComingAndGoing_WithExtraTime_KeepsNoPcpuIdle) {
  std::mt19937 random(3);
  auto& guest = machine_.add_busy(10);
  for (int step = 0; step < 5000; ++step) {
    Vcpu& vcpu = guest.vcpus[random() % guest.vcpus.size()];
    switch (random() % 4) {
      case 0:
        vcpu_pause(vcpu, random() % 2 == 0 ? kPauseDown : kPauseBlocked);
        break;
      case 1:
        vcpu_unpause(vcpu, kPauseBlocked);
        vcpu_unpause(vcpu, kPauseDown);
        break;
      case 2:
        PoolMachine::pin(vcpu, 1 + random() % 15);
        break;
      default: {
        const uint32_t budget = 10 + below(random, 3000);
        EXPECT_TRUE(put(vcpu, budget + below(random, 9000), budget, true).ok());
      }
    }
    machine_.run_for(random() % kMillisecond);
    ASSERT_EQ(machine_.audit(), "") << "step " << step;
    ASSERT_TRUE(machine_.work_conserved()) << "step " << step;
  }
  machine_.destroy(guest);
}

}  // namespace hv::testing
