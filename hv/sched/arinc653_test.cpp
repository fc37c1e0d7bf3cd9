#include "hv/sched/arinc653.hpp"

#include <gtest/gtest.h>

#include <initializer_list>

#include "hv/domain/lifecycle.hpp"
#include "hv/sched/testing/pool_machine.hpp"
#include "sim/port/port.h"

extern "C" const struct assay_core assay_core;

namespace hv::testing {

namespace {

struct Entry {
  const PoolMachine::Guest* guest;
  uint32_t vcpu;
  Ns runtime;
};

class ArincTest : public ::testing::Test {
 protected:
  explicit ArincTest(uint32_t pcpus = 1) : machine_(pcpus, "arinc653") {}
  ~ArincTest() override { EXPECT_EQ(machine_.audit(), ""); }

  /// Busy vCPUs of a domain with a handle of its own.
  PoolMachine::Guest& guest(uint32_t vcpus = 1) {
    auto& made = machine_.add_busy(vcpus);
    made.handle[0] = ++handles_;
    return made;
  }
  static xen_sysctl_arinc653_schedule_t schedule(Ns frame, std::initializer_list<Entry> entries) {
    xen_sysctl_arinc653_schedule_t out{};
    out.major_frame = frame;
    for (const Entry& entry : entries) {
      auto& to = out.sched_entries[out.num_sched_entries++];
      std::ranges::copy(entry.guest->handle, to.dom_handle);
      to.vcpu_id = entry.vcpu;
      to.runtime = entry.runtime;
    }
    return out;
  }
  static bool put(xen_sysctl_arinc653_schedule_t table, const CpuPool& pool = first_cpupool()) {
    const PolicyGuard policy(*pool.policy);
    xen_sysctl_scheduler_op op{};
    return policy->put_system({op, &table}).ok();
  }
  static xen_sysctl_arinc653_schedule_t get() {
    const PolicyGuard policy(*first_cpupool().policy);
    xen_sysctl_scheduler_op op{};
    xen_sysctl_arinc653_schedule_t table{};
    EXPECT_TRUE(policy->get_system({op, &table}).ok());
    return table;
  }
  static Ns ran(const PoolMachine::Guest& guest) { return PoolMachine::ran(guest); }

  PoolMachine machine_;
  uint8_t handles_ = 0;
};

class ArincTwoTest : public ArincTest {
 protected:
  ArincTwoTest() : ArincTest(2) {}
};

}  // namespace

TEST_F(ArincTest, NoTable_NobodyRuns) {
  const auto& one = guest();
  machine_.run_for(kMillisecond);
  EXPECT_EQ(ran(one), 0u);
  EXPECT_EQ(get().num_sched_entries, 0);
}

TEST_F(ArincTest, Table_IsRead_AsItWasSet) {
  const auto& one = guest(2);
  ASSERT_TRUE(put(schedule(100, {{&one, 1, 30}, {&one, 0, 50}})));
  const auto table = get();
  EXPECT_EQ(table.major_frame, 100u);
  ASSERT_EQ(table.num_sched_entries, 2);
  EXPECT_EQ(table.sched_entries[0].vcpu_id, 1u);
  EXPECT_EQ(table.sched_entries[0].runtime, 30u);
  EXPECT_EQ(table.sched_entries[1].dom_handle[0], one.handle[0]);
}

TEST_F(ArincTest, BadTable_IsRefused_AndNothingChanges) {
  const auto& one = guest();
  ASSERT_TRUE(put(schedule(100, {{&one, 0, 30}})));
  EXPECT_FALSE(put(schedule(0, {{&one, 0, 30}})));
  EXPECT_FALSE(put(schedule(~Ns{0}, {{&one, 0, 30}})));
  EXPECT_FALSE(put(schedule(100, {})));
  EXPECT_FALSE(put(schedule(100, {{&one, 0, 30}, {&one, 0, 0}})));
  EXPECT_FALSE(put(schedule(100, {{&one, 0, 60}, {&one, 0, 41}})));
  EXPECT_FALSE(put(schedule(100, {{&one, 0, ~Ns{0}}, {&one, 0, 2}}))) << "a sum that wraps";
  auto many = schedule(100, {{&one, 0, 1}});
  many.num_sched_entries = ARINC653_MAX_DOMAINS_PER_SCHEDULE + 1;
  EXPECT_FALSE(put(many));
  EXPECT_EQ(get().sched_entries[0].runtime, 30u);
  EXPECT_TRUE(put(schedule(100, {{&one, 0, 60}, {&one, 0, 40}}))) << "a full frame";
}

TEST_F(ArincTest, Frames_DoNotDrift) {
  constexpr Ns kFrame = 4 * kMillisecond + 7;
  const auto& one = guest();
  const auto& two = guest();
  machine_.run_for(12345);
  const Ns start = machine_.clock();
  ASSERT_TRUE(put(schedule(kFrame, {{&one, 0, kMillisecond}, {&two, 0, 2 * kMillisecond}})));
  for (Ns frame = 0; frame < 10'000; ++frame) {
    const Ns begin = start + frame * kFrame;
    machine_.run_until(begin + 1);
    ASSERT_EQ(ran(one), frame * kMillisecond + 1) << "frame " << frame;
    machine_.run_until(begin + kMillisecond + 1);
    ASSERT_EQ(ran(two), 2 * frame * kMillisecond + 1) << "frame " << frame;
    machine_.run_until(begin + 3 * kMillisecond + 1);
    ASSERT_EQ(sched_pcpu(0).current, nullptr) << "frame " << frame;
  }
}

TEST_F(ArincTest, Frames_DoNotDrift_WhenThePcpuLooksLate) {
  constexpr Ns kFrame = 10 * kMillisecond;
  constexpr Ns kLate = 5000;
  const auto& one = guest();
  ASSERT_TRUE(put(schedule(kFrame, {{&one, 0, kFrame / 2}})));
  for (Ns frame = 1; frame < 1000; ++frame) {
    machine_.run_until(frame * kFrame - 1);
    machine_.skip(kLate);
  }
  machine_.run_until(2000 * kFrame);
  EXPECT_TRUE(sched_pcpu(0).current == &one.vcpus[0]) << "a frame begins";
  machine_.run_until(2000 * kFrame + kFrame / 2);
  EXPECT_EQ(sched_pcpu(0).current, nullptr);
}

TEST_F(ArincTest, SleepsInItsTime_NobodyElseRuns_AndWakesIntoTheRestOfIt) {
  auto& one = guest();
  const auto& two = guest();
  ASSERT_TRUE(put(schedule(10, {{&one, 0, 6}, {&two, 0, 4}})));
  machine_.run_for(1);
  vcpu_pause(one.vcpus[0], kPauseBlocked);
  machine_.run_for(2);
  EXPECT_EQ(sched_pcpu(0).current, nullptr);
  vcpu_unpause(one.vcpus[0], kPauseBlocked);
  machine_.run_for(7);
  EXPECT_EQ(ran(one), 1u + 3u);
  EXPECT_EQ(ran(two), 4u);
}

TEST_F(ArincTest, NobodyThere_IsIdleWithoutEvents) {
  auto& one = guest();
  ASSERT_TRUE(put(schedule(10, {{&one, 0, 6}, {&one, 7, 4}})));
  vcpu_pause(one.vcpus[0], kPauseBlocked);
  machine_.run_for(100);
  const uint64_t switches = machine_.switches();
  machine_.run_for(kMillisecond);
  EXPECT_EQ(machine_.switches(), switches);
  EXPECT_EQ(sched_idle_ns(0), machine_.clock() - ran(one));
}

TEST_F(ArincTest, NewTable_TakesEffectAtOnce) {
  const auto& one = guest();
  const auto& two = guest();
  ASSERT_TRUE(put(schedule(100, {{&one, 0, 100}})));
  machine_.run_for(30);
  ASSERT_TRUE(put(schedule(10, {{&two, 0, 5}, {&one, 0, 5}})));
  machine_.run_for(10);
  EXPECT_EQ(ran(two), 5u);
  EXPECT_EQ(ran(one), 35u);
}

TEST_F(ArincTest, DomainThatIsInTheTableBeforeItExists_RunsWhenItDoes) {
  const auto& one = guest();
  auto table = schedule(10, {{&one, 0, 5}, {&one, 0, 5}});
  table.sched_entries[1].dom_handle[0] = 77;
  ASSERT_TRUE(put(table));
  machine_.run_for(10);
  auto& late = machine_.add(0);
  late.handle[0] = 77;
  machine_.add_vcpus(late, 2);
  for (Vcpu& vcpu : late.vcpus) vcpu_unpause(vcpu, kPauseDown);
  machine_.run_for(10);
  EXPECT_EQ(PoolMachine::ran(late.vcpus[0]), 5u);
  EXPECT_EQ(PoolMachine::ran(late.vcpus[1]), 0u) << "it has no entry";
  machine_.destroy(late);
  machine_.run_for(10);
  EXPECT_EQ(ran(one), 15u);
}

TEST_F(ArincTwoTest, OneTableForAllPcpus_EachRunsInItsOwnTimeAlone) {
  auto& one = guest();
  auto& two = guest();
  PoolMachine::pin(two.vcpus[0], 0b10);
  PoolMachine::pin(one.vcpus[0], 0b01);
  ASSERT_TRUE(put(schedule(10, {{&one, 0, 6}, {&two, 0, 4}})));
  for (Ns frame = 0; frame < 10; ++frame) {
    machine_.run_for(5);
    EXPECT_EQ(sched_pcpu(0).current, &one.vcpus[0]);
    EXPECT_EQ(sched_pcpu(1).current, nullptr);
    machine_.run_for(3);
    EXPECT_EQ(sched_pcpu(0).current, nullptr);
    EXPECT_EQ(sched_pcpu(1).current, &two.vcpus[0]);
    machine_.run_for(2);
  }
}

TEST_F(ArincTwoTest, PoolsAreIndependent) {
  auto& one = guest();
  auto& two = guest();
  vcpu_pause(two.vcpus[0], kPauseDown);
  machine_.take_pcpu(1);
  machine_.run_for(1);
  const Result<CpuPool*> other = cpupool_create(1, *policy_by_name("arinc653"));
  ASSERT_TRUE(other.ok() && cpupool_add(**other, 1).ok());
  Vcpu* moved[] = {&two.vcpus[0]};
  ASSERT_TRUE(sched_move_domain(two.sched, moved, 1, **other).ok());
  vcpu_unpause(two.vcpus[0], kPauseDown);

  ASSERT_TRUE(put(schedule(10, {{&one, 0, 5}})));
  machine_.run_for(3);
  ASSERT_TRUE(put(schedule(14, {{&two, 0, 7}}), **other));
  const Ns before = ran(one);
  machine_.run_for(7);  // its frame ends
  EXPECT_EQ(ran(one) - before, 2u);
  EXPECT_EQ(ran(two), 7u);
  machine_.run_for(70);
  EXPECT_EQ(ran(one) - before, 2u + 7 * 5);
  EXPECT_EQ(ran(two), 7u + 5 * 7);
}

TEST(ArincBoot, VcpusOfDomainZero_HaveTenMillisecondsEach) {
  FakeHost host;
  ASSERT_EQ(assay_core.boot(&host.port(), "sched=arinc653"), 0);
  DomainConfig config;
  config.id = DomId{0};
  config.kind = GuestKind::kPv64;
  config.privileged = true;
  config.max_vcpus = 3;
  const Result<Domain*> domain = create_domain(config);
  ASSERT_TRUE(domain.ok() && allocate_vcpus(**domain).ok());
  const PolicyGuard policy(*first_cpupool().policy);
  xen_sysctl_scheduler_op op{};
  xen_sysctl_arinc653_schedule_t table{};
  ASSERT_TRUE(policy->get_system({op, &table}).ok());
  EXPECT_EQ(table.major_frame, 30 * kMillisecond);
  ASSERT_EQ(table.num_sched_entries, 3);
  for (uint32_t vcpu = 0; vcpu < 3; ++vcpu) {
    EXPECT_EQ(table.sched_entries[vcpu].vcpu_id, vcpu);
    EXPECT_EQ(table.sched_entries[vcpu].runtime, 10 * kMillisecond);
    EXPECT_EQ(table.sched_entries[vcpu].dom_handle[0], 0);
  }
}

}  // namespace hv::testing
