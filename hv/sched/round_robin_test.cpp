#include "hv/sched/round_robin.hpp"

#include <gtest/gtest.h>

#include "hv/base/testing/fake_host.hpp"

namespace hv::testing {

namespace {

class RoundRobinTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kPcpus = 2;

  RoundRobinTest() : policy_((arena_init(), RoundRobin::create(kPcpus))) {
    for (Vcpu& vcpu : vcpus_) vcpu.pause_flags = 0;
  }

  /// As the mechanism does it: who ran before is what the last choice was.
  Vcpu* choose(uint32_t pcpu, Ns time, bool yielded = false) {
    last_[pcpu] = policy_->choose(pcpu, last_[pcpu].vcpu, yielded, time);
    return last_[pcpu].vcpu;
  }
  static void pin(Vcpu& vcpu, uint32_t pcpu) {
    vcpu.hard_affinity[0] = uint64_t{1} << pcpu;
    vcpu.hard_affinity[1] = vcpu.hard_affinity[2] = vcpu.hard_affinity[3] = 0;
  }

  FakeHost host_;
  RoundRobin* policy_;
  Vcpu vcpus_[4];
  Choice last_[kPcpus];
};

}  // namespace

TEST_F(RoundRobinTest, NothingToRun_IsIdleForever) {
  EXPECT_EQ(choose(0, 0), nullptr);
  EXPECT_EQ(last_[0].until, kNever);
}

TEST_F(RoundRobinTest, Alone_RunsWithoutASlice) {
  EXPECT_EQ(policy_->wake(vcpus_[0]), 0u);
  EXPECT_EQ(choose(0, 5), &vcpus_[0]);
  EXPECT_EQ(last_[0].until, kNever);
}

TEST_F(RoundRobinTest, Wake_PrefersAnIdlePcpu) {
  policy_->wake(vcpus_[0]);
  EXPECT_EQ(choose(0, 0), &vcpus_[0]);
  EXPECT_EQ(policy_->wake(vcpus_[1]), 1u);
}

TEST_F(RoundRobinTest, Wake_ToThePcpuItRanOn_WhenThatIsIdle) {
  vcpus_[0].pcpu = 1;
  EXPECT_EQ(policy_->wake(vcpus_[0]), 1u);
}

TEST_F(RoundRobinTest, TwoOnOnePcpu_TakeTurnsByTheSlice) {
  pin(vcpus_[0], 0);
  pin(vcpus_[1], 0);
  policy_->wake(vcpus_[0]);
  policy_->wake(vcpus_[1]);
  EXPECT_EQ(choose(0, 0), &vcpus_[0]);
  EXPECT_EQ(last_[0].until, kRoundRobinSlice);
  EXPECT_EQ(choose(0, kRoundRobinSlice - 1), &vcpus_[0]);
  EXPECT_EQ(choose(0, kRoundRobinSlice), &vcpus_[1]);
  EXPECT_EQ(last_[0].until, 2 * kRoundRobinSlice);
  EXPECT_EQ(choose(0, 2 * kRoundRobinSlice), &vcpus_[0]);
}

TEST_F(RoundRobinTest, Yield_LetsTheNextOneRunAtOnce) {
  pin(vcpus_[0], 0);
  pin(vcpus_[1], 0);
  policy_->wake(vcpus_[0]);
  policy_->wake(vcpus_[1]);
  EXPECT_EQ(choose(0, 0), &vcpus_[0]);
  EXPECT_EQ(choose(0, 1, true), &vcpus_[1]);
  EXPECT_EQ(choose(0, 2, true), &vcpus_[0]);
}

TEST_F(RoundRobinTest, IdlePcpu_TakesWorkFromTheOther_ButNotPinnedWork) {
  pin(vcpus_[0], 0);
  pin(vcpus_[1], 0);
  policy_->wake(vcpus_[0]);
  policy_->wake(vcpus_[1]);
  EXPECT_EQ(choose(0, 0), &vcpus_[0]);
  EXPECT_EQ(choose(1, 0), nullptr);
  vcpus_[1].hard_affinity[0] = 3;
  EXPECT_EQ(choose(1, 0), &vcpus_[1]);
  EXPECT_FALSE(vcpus_[1].queued);
}

TEST_F(RoundRobinTest, Sleep_TakesAQueuedVcpuOff) {
  pin(vcpus_[0], 0);
  pin(vcpus_[1], 0);
  policy_->wake(vcpus_[0]);
  policy_->wake(vcpus_[1]);
  policy_->sleep(vcpus_[0]);
  EXPECT_FALSE(vcpus_[0].queued);
  EXPECT_EQ(choose(0, 0), &vcpus_[1]);
  EXPECT_EQ(last_[0].until, kNever);
}

TEST_F(RoundRobinTest, QueuedVcpuWithAReasonNotToRun_IsPassedOver_AlsoByThieves) {
  pin(vcpus_[0], 0);
  pin(vcpus_[1], 0);
  policy_->wake(vcpus_[0]);
  policy_->wake(vcpus_[1]);
  vcpus_[0].pause_flags = kPauseDomain;  // its sleep has not been called yet
  vcpus_[0].hard_affinity[0] = 3;
  EXPECT_EQ(choose(1, 0), nullptr);
  EXPECT_EQ(choose(0, 0), &vcpus_[1]);
  EXPECT_FALSE(vcpus_[0].queued);
  policy_->sleep(vcpus_[0]);
  EXPECT_EQ(choose(0, 1), &vcpus_[1]);
}

TEST_F(RoundRobinTest, CurrentThatSleeps_IsNotChosenAgain) {
  policy_->wake(vcpus_[0]);
  EXPECT_EQ(choose(0, 0), &vcpus_[0]);
  vcpus_[0].pause_flags = kPauseBlocked;
  EXPECT_EQ(choose(0, 1), nullptr);
}

TEST_F(RoundRobinTest, NoPcpuOfTheMachineInItsAffinity_IsABug) {
  pin(vcpus_[0], 5);
  EXPECT_THROW(policy_->wake(vcpus_[0]), Panic);
}

}  // namespace hv::testing
