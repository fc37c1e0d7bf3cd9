#include "hv/sched/credit.hpp"

#include <gtest/gtest.h>

#include "hv/sched/testing/near.hpp"
#include "hv/sched/testing/pool_machine.hpp"

namespace hv::testing {

namespace {

class CreditTest : public ::testing::Test {
 protected:
  explicit CreditTest(uint32_t pcpus = 2) : machine_(pcpus, "credit") {}
  ~CreditTest() override { EXPECT_EQ(machine_.audit(), ""); }
  static xen_sysctl_scheduler_op system(uint32_t slice_ms, uint32_t ratelimit_us, uint32_t delay_us) {
    xen_sysctl_scheduler_op op{};
    op.u.sched_credit = {slice_ms, ratelimit_us, delay_us};
    return op;
  }
  static bool accepted(uint32_t slice_ms, uint32_t ratelimit_us, uint32_t delay_us) {
    xen_sysctl_scheduler_op op = system(slice_ms, ratelimit_us, delay_us);
    const PolicyGuard policy(*first_cpupool().policy);
    return policy->put_system({op}).ok();
  }
  PoolMachine machine_;
};

class CreditOneTest : public CreditTest {
 protected:
  CreditOneTest() : CreditTest(1) {}
};

}  // namespace

TEST_F(CreditTest, NothingToRun_IsIdleWithoutEvents) {
  machine_.run_for(kSecond);
  EXPECT_EQ(machine_.switches(), 0u);
}

TEST_F(CreditTest, AsManyAsPcpus_AllRunAllTheTime) {
  const auto& guest = machine_.add_busy(2);
  machine_.run_for(10 * kSecond);
  EXPECT_EQ(PoolMachine::ran(guest), 20 * kSecond);
  EXPECT_EQ(machine_.switches(), 2u);
}

TEST_F(CreditOneTest, Shares_FollowWeights) {
  const auto& light = machine_.add_busy(1, 128);
  const auto& middle = machine_.add_busy(1, 256);
  const auto& heavy = machine_.add_busy(1, 1024);
  machine_.run_for(110 * kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(light), 10 * kSecond, 100));
  EXPECT_TRUE(near(PoolMachine::ran(middle), 20 * kSecond, 100));
  EXPECT_TRUE(near(PoolMachine::ran(heavy), 80 * kSecond, 50));
}

TEST_F(CreditTest, Cap_IsKept_AndTheRestGoesToOthers) {
  const auto& capped = machine_.add_busy(1, 256, 40);
  const auto& other = machine_.add_busy(2);
  machine_.run_for(60 * kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(capped), 24 * kSecond, 100));
  EXPECT_EQ(PoolMachine::ran(capped) + PoolMachine::ran(other), 120 * kSecond);
}

TEST_F(CreditOneTest, Slice_EndsATurn) {
  const auto& guest = machine_.add_busy(2);
  machine_.run_for(29 * kMillisecond);
  const Ns first = std::max(PoolMachine::ran(guest.vcpus[0]), PoolMachine::ran(guest.vcpus[1]));
  EXPECT_EQ(first, 29 * kMillisecond);
  machine_.run_for(2 * kMillisecond);
  EXPECT_EQ(PoolMachine::ran(guest), 31 * kMillisecond);
  EXPECT_EQ(std::min(PoolMachine::ran(guest.vcpus[0]), PoolMachine::ran(guest.vcpus[1])), kMillisecond);
}

TEST_F(CreditOneTest, Boost_AfterABlock_NotAfterAPause) {
  machine_.add_busy(1);
  auto& guest = machine_.add(1);
  Vcpu& vcpu = guest.vcpus[0];
  machine_.run_for(100 * kMillisecond);
  for (const auto& [reason, boosted] : {std::pair{kPauseBlocked, true}, {kPauseDomain, false}}) {
    vcpu_pause(vcpu, reason);
    vcpu_unpause(vcpu, kPauseDown);
    machine_.run_for(100 * kMillisecond + 7 * kMillisecond);
    if (reason == kPauseBlocked) {
      vcpu_unblock(vcpu);
    } else {
      vcpu_unpause(vcpu, reason);
    }
    EXPECT_EQ(static_cast<const CreditVcpu*>(vcpu.sched)->priority == CreditVcpu::kBoost, boosted);
    machine_.run_for(1);
  }
}

TEST_F(CreditOneTest, Boost_EndsAfterATick_AndWhoWokeMeanwhileIsLetIn) {
  machine_.add_busy(1);
  auto& first = machine_.add(1);
  auto& second = machine_.add(1);
  for (auto* guest : {&first, &second}) {
    vcpu_pause(guest->vcpus[0], kPauseBlocked);
    vcpu_unpause(guest->vcpus[0], kPauseDown);
  }
  machine_.run_for(91 * kMillisecond);  // accounts are every 30 ms
  vcpu_unblock(first.vcpus[0]);
  machine_.run_for(kMillisecond + kMillisecond / 2);
  ASSERT_TRUE(first.vcpus[0].running);
  vcpu_unblock(second.vcpus[0]);
  machine_.run_until(101 * kMillisecond);
  EXPECT_EQ(PoolMachine::ran(second), 0u) << "it was as urgent as the one that runs";
  machine_.run_until(103 * kMillisecond);
  EXPECT_GT(PoolMachine::ran(second), 0u) << "which has had a tick for itself";
}

TEST_F(CreditTest, Boost_EndsWithTheAccount_ForThoseWhoWaitToo) {
  auto& guest = machine_.add_busy(4);
  for (Vcpu& vcpu : guest.vcpus) PoolMachine::pin(vcpu, 1);
  machine_.run_for(170 * kMillisecond);
  const auto priority = [](const Vcpu& vcpu) { return static_cast<const CreditVcpu*>(vcpu.sched)->priority; };
  uint32_t boosted = 0;
  for (Vcpu& vcpu : guest.vcpus) {
    if (vcpu.running) continue;
    vcpu_pause(vcpu, kPauseBlocked);
    vcpu_unblock(vcpu);
    if (priority(vcpu) == CreditVcpu::kBoost) ++boosted;
  }
  EXPECT_GT(boosted, 0u);
  machine_.run_until(180 * kMillisecond + 1);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_NE(priority(vcpu), CreditVcpu::kBoost);
}

TEST_F(CreditTest, ChoiceHolds_WhoeverIsPausedWhileTheAccountIsArmed) {
  auto& guest = machine_.add(4);
  for (Vcpu& vcpu : guest.vcpus) vcpu_unpause(vcpu, kPauseDown);
  machine_.expect_choices_to_hold_while_timers_are_set(guest);
}

TEST_F(CreditTest, WorkIsConserved_OnEverySubsetOfPcpus) {
  machine_.expect_work_conserved_on_subsets();
}

TEST_F(CreditTest, ManyOnTwo_NobodyStarves) {
  const auto& guest = machine_.add_busy(100);
  machine_.run_for(120 * kSecond);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_TRUE(near(PoolMachine::ran(vcpu), 2400 * kMillisecond, 150));
}

TEST_F(CreditTest, ParkedVcpu_CanBePausedAndDestroyed) {
  auto& guest = machine_.add_busy(4, 256, 10);
  machine_.run_for(200 * kMillisecond);
  vcpu_pause(guest.vcpus[0], kPauseDomain);
  machine_.run_for(5 * kMillisecond);
  EXPECT_EQ(machine_.audit(), "");
  machine_.destroy(guest);
  EXPECT_EQ(machine_.audit(), "");
}

TEST_F(CreditTest, Parameters_HaveTheRangesOfTheHeader) {
  EXPECT_TRUE(accepted(30, 1000, 0));
  EXPECT_TRUE(accepted(1, 1000, 100'000));
  EXPECT_TRUE(accepted(1000, 500'000, 0));
  EXPECT_FALSE(accepted(0, 0, 0));
  EXPECT_FALSE(accepted(1001, 0, 0));
  EXPECT_FALSE(accepted(30, 99, 0));
  EXPECT_FALSE(accepted(1000, 500'001, 0));
  EXPECT_FALSE(accepted(1, 1001, 0)) << "above the slice";
  EXPECT_FALSE(accepted(30, 0, 100'001));
}

TEST_F(CreditTest, PcpuLeaves_ItsVcpusGoOnElsewhere) {
  auto& guest = machine_.add_busy(4);
  machine_.run_for(kSecond);
  machine_.take_pcpu(0);
  machine_.run_for(kSecond);
  EXPECT_TRUE(pcpu_free(0));
  EXPECT_EQ(PoolMachine::ran(guest), 3 * kSecond);
}

}  // namespace hv::testing
