/// Granularities above cpu: units, and how a core's pCPUs switch together.
#include <gtest/gtest.h>

#include <random>

#include "hv/sched/testing/near.hpp"
#include "hv/sched/testing/pool_machine.hpp"
#include "hv/sched/unit.hpp"

namespace hv::testing {

namespace {

/// Two cores of two threads.
class CoreSchedulingTest : public ::testing::TestWithParam<const char*> {
 protected:
  ~CoreSchedulingTest() override { EXPECT_EQ(machine_.audit(), ""); }

  /// No core runs two domains at once.
  [[nodiscard]] ::testing::AssertionResult unmixed() const {
    for (uint32_t core = 0; core < machine_.pcpus(); core += 2) {
      const Vcpu* first = sched_pcpu(core).current;
      const Vcpu* second = sched_pcpu(core + 1).current;
      if (first == nullptr || second == nullptr || &unit_of(*first) == &unit_of(*second)) continue;
      return ::testing::AssertionFailure() << "core " << core / 2 << " at " << machine_.clock();
    }
    return ::testing::AssertionSuccess();
  }

  PoolMachine machine_{4, GetParam(), 2, "core"};
};

INSTANTIATE_TEST_SUITE_P(Policies, CoreSchedulingTest, ::testing::Values("credit2", "credit", "null", "rtds"),
                         [](const auto& test) { return std::string(test.param); });

/// Policies that share by weight.
class CoreSharingTest : public CoreSchedulingTest {};
INSTANTIATE_TEST_SUITE_P(Policies, CoreSharingTest, ::testing::Values("credit2", "credit"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace

TEST_P(CoreSharingTest, UnitsShareCores_NeverMixed) {
  const std::array guests{&machine_.add_busy(2), &machine_.add_busy(2), &machine_.add_busy(2)};
  for (uint32_t slice = 0; slice < 20'000; ++slice) {
    machine_.run_for(kMillisecond / 2);
    ASSERT_TRUE(unmixed());
  }
  for (const auto* guest : guests) {
    for (const Vcpu& vcpu : guest->vcpus) EXPECT_TRUE(near(PoolMachine::ran(vcpu), 10 * kSecond * 2 / 3, 30));
  }
}

TEST_P(CoreSchedulingTest, VcpusOfAUnit_HaveOneCore_EachItsThread) {
  const auto& guest = machine_.add_busy(4);
  machine_.run_for(kMillisecond);
  for (const Vcpu& vcpu : guest.vcpus) {
    EXPECT_TRUE(vcpu.running);
    EXPECT_EQ(vcpu.pcpu % 2, vcpu.id % 2);
    EXPECT_EQ(core_of(vcpu.pcpu), core_of(unit_of(vcpu).pcpu));
  }
}

TEST_P(CoreSchedulingTest, BlockedSibling_LeavesItsPlaceIdle_AndComesBackToIt) {
  auto& guest = machine_.add_busy(2);
  machine_.add_busy(2);
  machine_.run_for(kMillisecond);
  const uint32_t pcpu = guest.vcpus[1].pcpu;
  vcpu_pause(guest.vcpus[1], kPauseBlocked);
  machine_.run_for(kMillisecond / 4);
  EXPECT_EQ(sched_pcpu(pcpu).current, nullptr);
  EXPECT_TRUE(guest.vcpus[0].running);
  vcpu_unblock(guest.vcpus[1]);
  machine_.run_for(1);
  EXPECT_EQ(sched_pcpu(pcpu).current, &guest.vcpus[1]);
}

TEST_P(CoreSchedulingTest, FirstVcpuBlocked_UnitRunsForTheOther) {
  auto& guest = machine_.add(2);
  vcpu_unpause(guest.vcpus[1], kPauseDown);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(guest.vcpus[1]), kSecond);
  EXPECT_EQ(PoolMachine::ran(guest.vcpus[0]), 0u);
}

TEST_P(CoreSchedulingTest, LastOfAUnitSleeps_OthersGetTheCore) {
  machine_.add_busy(2);
  auto& sleeper = machine_.add_busy(2);
  const auto& waits = machine_.add_busy(2);
  machine_.run_for(kMillisecond);
  for (Vcpu& vcpu : sleeper.vcpus) vcpu_pause(vcpu, kPauseDown);
  machine_.run_for(200 * kMillisecond);
  const Ns before = PoolMachine::ran(waits);
  machine_.run_for(kSecond);
  EXPECT_GT(PoolMachine::ran(waits) - before, kSecond) << "of two cores for two guests";
}

TEST_P(CoreSchedulingTest, OddVcpu_HasACoreForItself) {
  const auto& guest = machine_.add_busy(3);
  machine_.run_for(kSecond);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_EQ(PoolMachine::ran(vcpu), kSecond);
  EXPECT_EQ(sched_pcpu(guest.vcpus[2].pcpu + 1).current, nullptr);
}

TEST_P(CoreSharingTest, AffinityOfOneVcpu_IsItsUnits_InWholeCores) {
  auto& guest = machine_.add_busy(2);
  PoolMachine::pin(guest.vcpus[1], 1u << 2);  // the other core's first thread
  machine_.run_for(kMillisecond * 2);
  for (const Vcpu& vcpu : guest.vcpus) {
    EXPECT_EQ(vcpu.hard_affinity[0], 0b1100u);
    EXPECT_EQ(core_of(vcpu.pcpu), 1u);
  }
}

TEST_P(CoreSharingTest, CoreLeavesAndComesBack_AllOfIt) {
  const auto& guest = machine_.add_busy(4);
  machine_.run_for(kMillisecond);
  machine_.take_pcpu(3);
  machine_.run_for(kSecond);
  for (const uint32_t pcpu : {2u, 3u}) EXPECT_TRUE(pcpu_free(pcpu));
  EXPECT_EQ(first_cpupool().pcpu_count, 2u);
  for (const Vcpu& vcpu : guest.vcpus) EXPECT_LT(vcpu.pcpu, 2u);
  machine_.give_pcpu(2);
  const Ns before = PoolMachine::ran(guest);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(guest) - before, 4 * kSecond);
}

TEST_P(CoreSchedulingTest, FirstVcpuIsGone_UnitGoesOn_UntilTheLast) {
  auto& guest = machine_.add_busy(2);
  machine_.run_for(kMillisecond);
  machine_.destroy(guest);
  EXPECT_EQ(machine_.audit(), "");
  const auto& next = machine_.add_busy(2);
  machine_.run_for(kSecond);
  EXPECT_EQ(PoolMachine::ran(next), 2 * kSecond);
}

TEST_P(CoreSharingTest, AnythingAtRandom_NothingIsLostOrMixed) {
  const std::array guests{&machine_.add_busy(1), &machine_.add_busy(2), &machine_.add_busy(5)};
  std::minstd_rand random(3);
  for (uint32_t i = 0; i < 5000; ++i) {
    auto& vcpus = guests[random() % guests.size()]->vcpus;
    Vcpu& vcpu = vcpus[random() % vcpus.size()];
    switch (random() % 4) {
      case 0:
        vcpu_pause(vcpu, kPauseBlocked);
        break;
      case 1:
        vcpu_unblock(vcpu);
        break;
      case 2:
        if (vcpu.running) sched_yield(vcpu);
        break;
      default:
        PoolMachine::pin(vcpu, 1 + random() % 15);
    }
    machine_.run_for(random() % kMillisecond);
    ASSERT_TRUE(unmixed()) << i;
    ASSERT_EQ(machine_.audit(), "") << i;
  }
}

TEST(Granularity, Names_AndWhatTheyAreHere) {
  PoolMachine machine(8, "credit2", 2);
  for (const auto granularity : {Granularity::kCpu, Granularity::kCore, Granularity::kSocket}) {
    EXPECT_EQ(granularity_by_name(granularity_name(granularity)), granularity);
  }
  EXPECT_EQ(granularity_by_name("thread"), std::nullopt);
  EXPECT_EQ(pcpus_together(Granularity::kCore), 2u);
  EXPECT_EQ(pcpus_together(Granularity::kSocket), 8u);
}

TEST(Granularity, CoresDiffer_CpuInstead) {
  PoolMachine machine(5, "credit2", 2, "core");
  EXPECT_EQ(first_cpupool().granularity, Granularity::kCpu);
  EXPECT_EQ(pcpus_together(Granularity::kCore), 0u);
}

TEST(Granularity, Unknown_OrNotThePolicys_DoesNotBoot) {
  EXPECT_THROW(PoolMachine(4, "credit2", 2, "thread"), Panic);
  EXPECT_THROW(PoolMachine(4, "arinc653", 2, "core"), Panic);
}

TEST(Granularity, PoolWithoutPcpus_GetsAnother_WithThemNone) {
  PoolMachine machine(4, "credit2", 2);
  const auto pool = cpupool_create(1, *policy_by_name("credit"));
  ASSERT_TRUE(pool.ok());
  ASSERT_TRUE(cpupool_set_granularity(**pool, Granularity::kCore).ok());
  EXPECT_EQ(cpupool_set_granularity(first_cpupool(), Granularity::kCore), fail(XEN_EBUSY));
  machine.take_pcpu(3);
  EXPECT_FALSE(resource_free(**pool, 3)) << "its sibling is another pool's";
  machine.take_pcpu(2);
  EXPECT_TRUE(resource_free(**pool, 3));
}

TEST(Granularity, DomainMovesBetweenGranularities_AndBack) {
  PoolMachine machine(6, "credit2", 2);
  const auto pool = cpupool_create(1, *policy_by_name("credit"));
  ASSERT_TRUE(pool.ok() && cpupool_set_granularity(**pool, Granularity::kCore).ok());
  machine.take_pcpu(4);
  machine.take_pcpu(5);
  ASSERT_TRUE(cpupool_add(**pool, 4).ok());
  auto& guest = machine.add_busy(3);
  for (const uint32_t first : {4u, 0u}) {
    for (Vcpu& vcpu : guest.vcpus) vcpu_pause(vcpu, kPauseDomain);
    machine.run_for(1);
    CpuPool& to = first == 4 ? **pool : first_cpupool();
    ASSERT_TRUE(sched_move_domain(guest.sched, guest.pointers.data(), 3, to).ok());
    for (Vcpu& vcpu : guest.vcpus) vcpu_unpause(vcpu, kPauseDomain);
    machine.run_for(kSecond);
    EXPECT_EQ(machine.audit(), "");
    EXPECT_EQ(&unit_of(guest.vcpus[1]), &guest.vcpus[first == 4 ? 0 : 1]);
    for (const Vcpu& vcpu : guest.vcpus) EXPECT_EQ(vcpu.pcpu >= 4, first == 4);
  }
}

}  // namespace hv::testing
