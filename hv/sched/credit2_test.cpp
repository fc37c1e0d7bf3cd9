#include "hv/sched/credit2.hpp"

#include <gtest/gtest.h>

#include <array>

#include "hv/sched/testing/near.hpp"
#include "hv/sched/testing/pool_machine.hpp"

namespace hv::testing {

namespace {

class Credit2Test : public ::testing::Test {
 protected:
  explicit Credit2Test(uint32_t pcpus = 2) : machine_(pcpus, "credit2") {}
  ~Credit2Test() override { EXPECT_EQ(machine_.audit(), ""); }
  PoolMachine machine_;
};

class Credit2OneTest : public Credit2Test {
 protected:
  Credit2OneTest() : Credit2Test(1) {}
};

class Credit2ThreadsTest : public ::testing::Test {
 protected:
  ~Credit2ThreadsTest() override { EXPECT_EQ(machine_.audit(), ""); }
  PoolMachine machine_{8, "credit2", 2};
};

class Credit2ManyTest : public Credit2Test {
 protected:
  Credit2ManyTest() : Credit2Test(40) {}
};

}  // namespace

TEST_F(Credit2Test, NothingToRun_IsIdleWithoutEvents) {
  machine_.run_for(kSecond);
  EXPECT_EQ(machine_.switches(), 0u);
  EXPECT_EQ(sched_idle_ns(0), kSecond);
}

TEST_F(Credit2Test, AsManyAsPcpus_AllRunAllTheTime_WithoutSwitches) {
  const auto& guest = machine_.add_busy(2);
  machine_.run_for(10 * kSecond);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_EQ(PoolMachine::ran(vcpu), 10 * kSecond);
  EXPECT_EQ(machine_.switches(), 2u);
}

TEST_F(Credit2ThreadsTest, AsManyAsCores_EachHasACoreForItself) {
  machine_.run_for(kMillisecond);  // all pCPUs have looked once, and are idle
  const auto& guest = machine_.add_busy(4);
  machine_.run_for(kSecond);
  std::array<uint32_t, 4> on_core{};
  for (const Vcpu& vcpu : guest.vcpus) ++on_core[core_of(vcpu.pcpu)];
  EXPECT_EQ(on_core, (std::array<uint32_t, 4>{1, 1, 1, 1}));
}

TEST_F(Credit2ThreadsTest, MoreThanCores_UseTheOtherThreadsToo) {
  const auto& guest = machine_.add_busy(8);
  machine_.run_for(kSecond);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_EQ(PoolMachine::ran(vcpu), kSecond);
}

TEST_F(Credit2ThreadsTest, CoreWithOneThreadInThePool_IsIdleWhenThatIs) {
  for (uint32_t pcpu = 3; pcpu < 8; ++pcpu) machine_.take_pcpu(pcpu);
  const auto& first = machine_.add_busy(1);
  machine_.run_for(kMillisecond);
  ASSERT_EQ(first.vcpus[0].pcpu, 0u);
  const auto& other = machine_.add_busy(1);
  machine_.run_for(kMillisecond);
  EXPECT_EQ(other.vcpus[0].pcpu, 2u);
}

TEST_F(Credit2OneTest, Shares_FollowWeights) {
  const auto& light = machine_.add_busy(1, 128);
  const auto& middle = machine_.add_busy(1, 256);
  const auto& heavy = machine_.add_busy(1, 1024);
  machine_.run_for(11 * kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(light), kSecond, 20));
  EXPECT_TRUE(near(PoolMachine::ran(middle), 2 * kSecond, 20));
  EXPECT_TRUE(near(PoolMachine::ran(heavy), 8 * kSecond, 20));
}

TEST_F(Credit2OneTest, ExtremeWeights_StillFollow) {
  const auto& light = machine_.add_busy(1, 1);
  const auto& heavy = machine_.add_busy(1, 99);
  machine_.run_for(100 * kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(light), kSecond, 50));
  EXPECT_TRUE(near(PoolMachine::ran(heavy), 99 * kSecond, 5));
}

TEST_F(Credit2Test, WeightsOfPinnedVcpus_DoNotSufferFromALoneRunner) {
  auto& alone = machine_.add_busy(1);
  auto& light = machine_.add_busy(1, 256);
  auto& heavy = machine_.add_busy(1, 512);
  machine_.pin(alone.vcpus[0], 1);
  machine_.pin(light.vcpus[0], 2);
  machine_.pin(heavy.vcpus[0], 2);
  machine_.run_for(9 * kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(alone), 9 * kSecond, 1));
  EXPECT_TRUE(near(PoolMachine::ran(light), 3 * kSecond, 30));
  EXPECT_TRUE(near(PoolMachine::ran(heavy), 6 * kSecond, 30));
}

TEST_F(Credit2OneTest, AfterALongTimeAlone_TheOtherDoesNotStarveIt) {
  const auto& first = machine_.add_busy(1);
  machine_.run_for(3600 * kSecond);
  const auto& second = machine_.add_busy(1);
  machine_.run_for(kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(first) - 3600 * kSecond, kSecond / 2, 30));
  EXPECT_TRUE(near(PoolMachine::ran(second), kSecond / 2, 30));
}

TEST_F(Credit2OneTest, AfterALongSleep_NoCreditWasSavedUp) {
  auto& sleeper = machine_.add(1);
  const auto& busy = machine_.add_busy(1);
  machine_.run_for(100 * kSecond);
  vcpu_unpause(sleeper.vcpus[0], kPauseDown);
  machine_.run_for(kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(sleeper), kSecond / 2, 30));
  EXPECT_TRUE(near(PoolMachine::ran(busy) - 100 * kSecond, kSecond / 2, 30));
}

TEST_F(Credit2Test, Cap_IsKept_AndTheRestGoesToOthers) {
  const auto& capped = machine_.add_busy(2, 256, 50);
  const auto& other = machine_.add_busy(2);
  machine_.run_for(10 * kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(capped), 5 * kSecond, 20));
  EXPECT_EQ(PoolMachine::ran(capped) + PoolMachine::ran(other), 20 * kSecond);
}

TEST_F(Credit2Test, Cap_IsKept_AlsoWhenNobodyElseWantsTheRest) {
  const auto& capped = machine_.add_busy(2, 256, 50);
  machine_.run_for(10 * kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(capped), 5 * kSecond, 20));
}

TEST_F(Credit2Test, Cap_OfManyVcpus_IsSharedByAllOfThem) {
  const auto& capped = machine_.add_busy(8, 256, 100);
  machine_.run_for(8 * kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(capped), 8 * kSecond, 20));
  for (const Vcpu& vcpu : capped.vcpus) EXPECT_TRUE(near(PoolMachine::ran(vcpu), kSecond, 100));
}

TEST_F(Credit2OneTest, Cap_TakenAway_LetsItRunAtOnce) {
  auto& guest = machine_.add_busy(1, 256, 10);
  machine_.run_for(5 * kMillisecond);
  EXPECT_TRUE(near(PoolMachine::ran(guest), kMillisecond, 1));
  EXPECT_TRUE(machine_.set(guest, 0, 0).ok());
  machine_.run_for(5 * kMillisecond);
  EXPECT_TRUE(near(PoolMachine::ran(guest), 6 * kMillisecond, 1));
  EXPECT_TRUE(machine_.set(guest, 0, 20).ok());
  machine_.run_for(kSecond);
  EXPECT_TRUE(near(PoolMachine::ran(guest), 206 * kMillisecond, 30));
}

TEST_F(Credit2Test, ParkedVcpu_CanBePausedAndDestroyed) {
  auto& guest = machine_.add_busy(4, 256, 10);
  machine_.run_for(5 * kMillisecond);
  vcpu_pause(guest.vcpus[0], kPauseDomain);
  vcpu_pause(guest.vcpus[3], kPauseDomain);
  machine_.run_for(5 * kMillisecond);
  EXPECT_EQ(machine_.audit(), "");
  vcpu_unpause(guest.vcpus[0], kPauseDomain);
  machine_.run_for(5 * kMillisecond);
  machine_.destroy(guest);
  EXPECT_EQ(machine_.audit(), "");
}

TEST_F(Credit2OneTest, Ratelimit_KeepsTheNewcomerWaiting_ThenItRuns) {
  const auto& busy = machine_.add_busy(1);
  machine_.run_for(95 * kMillisecond);  // in the middle of an epoch
  auto& waker = machine_.add(1);
  vcpu_unpause(waker.vcpus[0], kPauseDown);
  machine_.run_for(kMillisecond);
  const Ns first = PoolMachine::ran(waker);
  EXPECT_GT(first, 0u) << "the busy one has run for long";
  vcpu_pause(waker.vcpus[0], kPauseBlocked);
  machine_.run_for(kMillisecond / 10);
  vcpu_unblock(waker.vcpus[0]);
  machine_.run_for(kMillisecond / 2);
  EXPECT_EQ(PoolMachine::ran(waker), first) << "the busy one has just begun";
  machine_.run_for(kMillisecond / 2);
  EXPECT_GT(PoolMachine::ran(waker), first);
  EXPECT_GT(PoolMachine::ran(busy), 95 * kMillisecond);
}

TEST_F(Credit2Test, ChoiceHolds_WhoeverIsPausedWhileARefillIsArmed) {
  auto& guest = machine_.add_busy(4, 256, 60);
  machine_.expect_choices_to_hold_while_timers_are_set(guest);
}

TEST_F(Credit2Test, WorkIsConserved_OnEverySubsetOfPcpus) {
  machine_.expect_work_conserved_on_subsets();
}

TEST_F(Credit2Test, ManyOnTwo_NobodyStarves) {
  const auto& guest = machine_.add_busy(500);
  machine_.run_for(20 * kSecond);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_TRUE(near(PoolMachine::ran(vcpu), 80 * kMillisecond, 300));
}

TEST_F(Credit2Test, SoftAffinity_IsPreferredWhileThereIsRoom) {
  machine_.run_for(kMillisecond);
  auto& guest = machine_.add(1);
  guest.vcpus[0].soft_affinity[0] = 2;
  vcpu_unpause(guest.vcpus[0], kPauseDown);
  machine_.run_for(kMillisecond);
  EXPECT_EQ(guest.vcpus[0].pcpu, 1u);
  auto& other = machine_.add(1);
  other.vcpus[0].soft_affinity[0] = 2;
  vcpu_unpause(other.vcpus[0], kPauseDown);
  machine_.run_for(kMillisecond);
  EXPECT_TRUE(other.vcpus[0].running) << "no more than preferred";
}

TEST_F(Credit2OneTest, Yield_LetsAnEqualRun) {
  auto& guest = machine_.add_busy(2);
  machine_.run_for(kMillisecond / 10);
  Vcpu& runs = guest.vcpus[0].running ? guest.vcpus[0] : guest.vcpus[1];
  sched_yield(runs);
  machine_.run_for(1);
  EXPECT_FALSE(runs.running);
}

TEST_F(Credit2ManyTest, SeveralQueues_AllPcpusWork) {
  const auto& guest = machine_.add_busy(40);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(guest), 40 * kSecond);
}

TEST_F(Credit2ManyTest, SeveralQueues_WithMoreVcpusThanPcpus_AreBalanced) {
  const auto& guest = machine_.add_busy(80);
  machine_.run_for(20 * kSecond);
  EXPECT_EQ(PoolMachine::ran(guest), 40 * 20 * kSecond);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_TRUE(near(PoolMachine::ran(vcpu), 10 * kSecond, 250));
}

TEST_F(Credit2Test, PcpuLeaves_ItsVcpusGoOnElsewhere_AndComesBack) {
  auto& guest = machine_.add_busy(4);
  machine_.run_for(kSecond);
  machine_.take_pcpu(1);
  machine_.run_for(kSecond);
  EXPECT_TRUE(pcpu_free(1));
  EXPECT_EQ(machine_.audit(), "");
  EXPECT_EQ(PoolMachine::ran(guest), 3 * kSecond);
  machine_.give_pcpu(1);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(guest), 5 * kSecond);
}

}  // namespace hv::testing
