#include "hv/sched/null.hpp"

#include <gtest/gtest.h>

#include <random>

#include "hv/sched/testing/pool_machine.hpp"

namespace hv::testing {

namespace {

constexpr Ns kSecond = 1000 * kMillisecond;

class NullTest : public ::testing::Test {
 protected:
  explicit NullTest(uint32_t pcpus = 2) : machine_(pcpus, "null") {}
  ~NullTest() override { EXPECT_EQ(machine_.audit(), ""); }

  static void prefer(Vcpu& vcpu, uint64_t pcpus) {
    vcpu.soft_affinity[0] = pcpus;
    vcpu.soft_affinity[1] = vcpu.soft_affinity[2] = vcpu.soft_affinity[3] = 0;
    sched_affinity_changed(vcpu);
  }
  /// What a moment later runs on each pCPU.
  Vcpu* on(uint32_t pcpu) {
    machine_.run_for(1);
    return sched_pcpu(pcpu).current;
  }

  PoolMachine machine_;
};

class NullFourTest : public NullTest {
 protected:
  NullFourTest() : NullTest(4) {}
};

}  // namespace

TEST_F(NullTest, EachHasAPcpu_WithoutSwitches) {
  const auto& guest = machine_.add_busy(2);
  machine_.run_for(10 * kSecond);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_EQ(PoolMachine::ran(vcpu), 10 * kSecond);
  EXPECT_EQ(machine_.switches(), 2u);
  EXPECT_EQ(sched_pcpu(0).until, kNever);
}

TEST_F(NullTest, NoPcpuLeft_WaitsUntilOneGoesOffline) {
  auto& guest = machine_.add_busy(3);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(guest.vcpus[2]), 0u);
  vcpu_pause(guest.vcpus[0], kPauseDown);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(guest.vcpus[2]), kSecond);
  vcpu_unpause(guest.vcpus[0], kPauseDown);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(guest.vcpus[0]), kSecond) << "it waits now";
}

TEST_F(NullTest, BlockedOrPaused_KeepsItsPcpu) {
  auto& guest = machine_.add_busy(3);
  machine_.run_for(kMillisecond);
  vcpu_pause(guest.vcpus[1], kPauseBlocked);
  vcpu_pause(guest.vcpus[0], kPauseDomain);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(guest.vcpus[2]), 0u);
  vcpu_unpause(guest.vcpus[1], kPauseBlocked);
  EXPECT_EQ(on(1), &guest.vcpus[1]);
  vcpu_unpause(guest.vcpus[0], kPauseDomain);
  EXPECT_EQ(on(0), &guest.vcpus[0]);
}

TEST_F(NullTest, GoesOfflineWhileBlocked_GivesItsPcpuAway) {
  auto& guest = machine_.add_busy(3);
  machine_.run_for(kMillisecond);
  vcpu_pause(guest.vcpus[0], kPauseBlocked);
  EXPECT_EQ(on(0), nullptr);
  vcpu_pause(guest.vcpus[0], kPauseDown);
  EXPECT_EQ(on(0), &guest.vcpus[2]);
}

TEST_F(NullFourTest, SoftAffinity_DecidesAmongFreePcpus_AndHardAffinityAbove) {
  auto& guest = machine_.add(3);
  prefer(guest.vcpus[0], 0b1000);
  prefer(guest.vcpus[1], 0b1000);
  PoolMachine::pin(guest.vcpus[2], 0b0100);
  for (Vcpu& vcpu : guest.vcpus) vcpu_unpause(vcpu, kPauseDown);
  EXPECT_EQ(on(3), &guest.vcpus[0]);
  EXPECT_EQ(on(2), &guest.vcpus[2]);
  EXPECT_NE(guest.vcpus[1].running, false) << "its preferred pCPU was taken: any other is good";
}

TEST_F(NullTest, FreedPcpu_GoesToWhoPrefersIt_BeforeWhoWaitedLonger) {
  auto& guest = machine_.add_busy(4);
  machine_.run_for(kMillisecond);
  prefer(guest.vcpus[2], 0b01);
  prefer(guest.vcpus[3], 0b10);
  vcpu_pause(guest.vcpus[1], kPauseDown);
  EXPECT_EQ(on(1), &guest.vcpus[3]);
}

TEST_F(NullTest, Assignment_StaysWhenSoftAffinityChanges_NotWhenHardAffinityForbidsIt) {
  auto& guest = machine_.add_busy(1);
  EXPECT_EQ(on(0), &guest.vcpus[0]);
  prefer(guest.vcpus[0], 0b10);
  EXPECT_EQ(on(0), &guest.vcpus[0]);
  PoolMachine::pin(guest.vcpus[0], 0b10);
  EXPECT_EQ(on(1), &guest.vcpus[0]);
  EXPECT_EQ(sched_pcpu(0).current, nullptr);
}

TEST_F(NullTest, PcpuLeavesAndComesBack_WithWhoeverHasIt) {
  auto& guest = machine_.add_busy(2);
  machine_.run_for(kMillisecond);
  machine_.take_pcpu(1);
  EXPECT_EQ(on(1), nullptr);
  EXPECT_TRUE(pcpu_free(1));
  EXPECT_EQ(sched_pcpu(0).current, &guest.vcpus[0]);
  machine_.give_pcpu(1);
  EXPECT_EQ(on(1), &guest.vcpus[1]);
}

TEST_F(NullFourTest, DomainThatMovesToAnotherPool_LeavesItsPcpuToOthers) {
  auto& guest = machine_.add_busy(1);
  machine_.run_for(1);
  const Result<CpuPool*> other = cpupool_create(1, *policy_by_name("null"));
  ASSERT_TRUE(other.ok());
  vcpu_pause(guest.vcpus[0], kPauseDomain);
  machine_.run_for(1);
  Vcpu* moved[] = {&guest.vcpus[0]};
  ASSERT_TRUE(sched_move_domain(guest.sched, moved, 1, **other).ok());
  const auto& last = machine_.add_busy(4);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(last), 4 * kSecond);
}

// Whatever comes and goes, in the end all pCPUs are there for others: assigning and deassigning are balanced.
TEST_F(NullFourTest, RandomComingAndGoing_LeavesEveryPcpuFree) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    auto& guest = machine_.add(6);
    for (int step = 0; step < 100; ++step) {
      Vcpu& vcpu = guest.vcpus[random() % guest.vcpus.size()];
      const PauseFlag reason = random() % 2 == 0 ? kPauseDown : kPauseBlocked;
      switch (random() % 4) {
        case 0:
          vcpu_pause(vcpu, reason);
          break;
        case 1:
          vcpu_unpause(vcpu, reason);
          break;
        case 2:
          PoolMachine::pin(vcpu, 1 + random() % 15);
          break;
        default:
          prefer(vcpu, 1 + random() % 15);
      }
      if (random() % 2 == 0) machine_.run_for(1);
    }
    machine_.run_for(1);
    ASSERT_EQ(machine_.audit(), "") << "round " << round;
    machine_.destroy(guest);
  }
  const auto& last = machine_.add_busy(4);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(last), 4 * kSecond);
}

}  // namespace hv::testing
