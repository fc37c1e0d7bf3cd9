#include "hv/vcpu/time.hpp"

#include "hv/domain/testing/system.hpp"

namespace hv::testing {

namespace {

__extension__ using Wide = unsigned __int128;

/// As public/xen.h tells guests to do it.
Ns read_time(const vcpu_time_info_t& record, uint64_t tsc) {
  uint64_t delta = tsc - record.tsc_timestamp;
  delta = record.tsc_shift >= 0 ? delta << record.tsc_shift : delta >> -record.tsc_shift;
  return record.system_time + static_cast<uint64_t>(Wide{delta} * record.tsc_to_system_mul >> 32);
}

class TimeTest : public SystemTest {
 protected:
  Vcpu& vcpu() { return *control_->vcpus[0]; }
};

}  // namespace

TEST_F(TimeTest, Record_CountsWithTheMachine_NeverAhead) {
  publish_time(vcpu());
  const vcpu_time_info_t record = vcpu().info->time;
  EXPECT_EQ(record.version % 2, 0u);
  for (const Ns time : {Ns{0}, Ns{1}, Ns{999}, Ns{1'000'000'007}, Ns{3'600'000'000'000}}) {
    const Ns seen = read_time(record, tsc_at(time));
    EXPECT_LE(seen, time);
    // One tick of rounding, and a part in 2^31 of what has passed since the record was written.
    EXPECT_LE(time - seen, 2 + time / (1u << 31));
  }
}

TEST_F(TimeTest, Record_GrowsItsVersionByTwo) {
  publish_time(vcpu());
  const uint32_t version = vcpu().info->time.version;
  host_.now_ns = 12345;
  publish_time(vcpu());
  EXPECT_EQ(vcpu().info->time.version, version + 2);
  EXPECT_EQ(vcpu().info->time.system_time, 12345u);
  EXPECT_EQ(read_time(vcpu().info->time, tsc_at(12345)), 12345u);
}

TEST_F(TimeTest, Wallclock_IsTheHostsPlusTheOffset) {
  shared_info_t& shared = *control_->shared_info();
  const uint32_t version = shared.wc_version;
  publish_wallclock(shared, -100);
  EXPECT_EQ(shared.wc_version, version + 2);
  EXPECT_EQ(shared.wc_sec | uint64_t{shared.wc_sec_hi} << 32, host().wallclock_s - 100);
}

TEST_F(TimeTest, Runstate_TimesSumToTheAgeOfTheVcpu) {
  const Ns born = host_.now_ns;
  host_.now_ns += 10;
  vcpu_block(vcpu());
  EXPECT_EQ(sched_switch(sched_pcpu(0)), nullptr);
  EXPECT_EQ(vcpu().runstate.state, RUNSTATE_blocked);
  host_.now_ns += 20;
  vcpu_unblock(vcpu());
  EXPECT_EQ(vcpu().runstate.state, RUNSTATE_runnable);
  host_.now_ns += 30;
  EXPECT_EQ(sched_switch(sched_pcpu(0)), &vcpu());
  host_.now_ns += 40;
  const vcpu_runstate_info_t runstate = runstate_now(vcpu());
  EXPECT_EQ(runstate.time[RUNSTATE_blocked], 20u);
  EXPECT_EQ(runstate.time[RUNSTATE_runnable], 30u);
  EXPECT_EQ(runstate.time[RUNSTATE_running] + runstate.time[RUNSTATE_offline], 50u);
  EXPECT_EQ(runstate.time[0] + runstate.time[1] + runstate.time[2] + runstate.time[3], host_.now_ns - born);
}

TEST_F(TimeTest, RunstateArea_IsWrittenWithoutTheFlagLeftSet) {
  vcpu().runstate_area = Gva{kBuffer};
  control_->memory.vm_assist = uint64_t{1} << VMASST_TYPE_runstate_update_flag;
  publish_runstate(vcpu());
  const auto area = get<vcpu_runstate_info_t>(*control_, kBuffer);
  EXPECT_EQ(area.state, RUNSTATE_running);
  EXPECT_EQ(area.state_entry_time, vcpu().runstate.state_entry_time);
}

TEST_F(TimeTest, AreaThatIsNotMemory_IsLeftAlone) {
  vcpu().runstate_area = Gva{kNowhere};
  vcpu().time_area = Gva{kNowhere};
  publish_runstate(vcpu());
  publish_time(vcpu());
  EXPECT_EQ(vcpu().info->time.version % 2, 0u);
}

TEST_F(TimeTest, PeriodicTimer_TicksOnce_HoweverManyWereMissed) {
  const Result<Port> port = evtchn_bind_virq(*control_->events, VIRQ_TIMER, 0);
  ASSERT_TRUE(port.ok());
  set_periodic(vcpu(), kMillisecond);
  host_.now_ns += kMillisecond - 1;
  timers_run(0);
  EXPECT_FALSE(control_->events->delivery->is_pending(*control_->events, *port));
  host_.now_ns += 10 * kMillisecond;
  timers_run(0);
  EXPECT_TRUE(control_->events->delivery->is_pending(*control_->events, *port));
  EXPECT_EQ(vcpu().periodic.deadline, host_.now_ns + kMillisecond);
}

}  // namespace hv::testing
