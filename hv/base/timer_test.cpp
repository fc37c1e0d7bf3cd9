#include "hv/base/timer.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "hv/base/testing/fake_host.hpp"

namespace hv::testing {

namespace {

class TimerTest : public ::testing::Test {
 protected:
  struct Probe {
    Timer timer;
    std::vector<int>* fired;
    int id;
  };

  TimerTest() {
    arena_init();
    timers_init();
    for (int id = 0; id < 3; ++id) {
      probes_[id].fired = &fired_;
      probes_[id].id = id;
      probes_[id].timer.context = &probes_[id];
      probes_[id].timer.fire = [](void* context) {
        const auto* probe = static_cast<Probe*>(context);
        probe->fired->push_back(probe->id);
      };
    }
  }

  void run_at(Ns time) {
    host_.now_ns = time;
    timers_run(0);
  }

  FakeHost host_;
  std::vector<int> fired_;
  Probe probes_[3];
};

}  // namespace

TEST_F(TimerTest, HostIsArmedForTheHead) {
  EXPECT_EQ(host_.timers[0], kNever);
  timer_set(probes_[0].timer, 0, 300);
  EXPECT_EQ(host_.timers[0], 300u);
  timer_set(probes_[1].timer, 0, 200);
  EXPECT_EQ(host_.timers[0], 200u);
  timer_stop(probes_[1].timer);
  EXPECT_EQ(host_.timers[0], 300u);
  timer_stop(probes_[0].timer);
  EXPECT_EQ(host_.timers[0], kNever);
  EXPECT_EQ(host_.timers[1], kNever);
}

TEST_F(TimerTest, NothingFiresEarly_EverythingDueFiresInOrder) {
  timer_set(probes_[2].timer, 0, 100);
  timer_set(probes_[0].timer, 0, 50);
  timer_set(probes_[1].timer, 0, 100);
  run_at(49);
  EXPECT_TRUE(fired_.empty());
  run_at(100);
  EXPECT_EQ(fired_, (std::vector{0, 2, 1}));  // equal deadlines: in the order they were set
  run_at(1000);
  EXPECT_EQ(fired_.size(), 3u);
}

TEST_F(TimerTest, SetAgain_ReplacesTheDeadline_OnAnotherPcpuToo) {
  timer_set(probes_[0].timer, 0, 50);
  timer_set(probes_[0].timer, 1, 70);
  run_at(60);
  EXPECT_TRUE(fired_.empty());
  EXPECT_EQ(host_.timers[0], kNever);
  host_.now_ns = 70;
  timers_run(1);
  EXPECT_EQ(fired_, std::vector{0});
}

TEST_F(TimerTest, FiringTimer_MaySetItselfAgain) {
  probes_[0].timer.fire = [](void* context) {
    auto* probe = static_cast<Probe*>(context);
    probe->fired->push_back(probe->id);
    if (probe->fired->size() < 3) timer_set(probe->timer, 0, now() + 10);
  };
  timer_set(probes_[0].timer, 0, 10);
  run_at(10);
  EXPECT_EQ(fired_.size(), 1u);
  EXPECT_EQ(host_.timers[0], 20u);
  run_at(20);
  run_at(30);
  EXPECT_EQ(fired_.size(), 3u);
  EXPECT_EQ(host_.timers[0], kNever);
}

TEST_F(TimerTest, DeadlineNever_Stops) {
  timer_set(probes_[0].timer, 0, 10);
  timer_set(probes_[0].timer, 0, kNever);
  run_at(20);
  EXPECT_TRUE(fired_.empty());
}

TEST_F(TimerTest, ClosedQueue_IsPcpu0s_WithWhatWasInIt) {
  timer_set(probes_[0].timer, 1, 300);
  timer_set(probes_[1].timer, 0, 400);
  timers_close(1);
  EXPECT_EQ(host_.timers[1], kNever);
  EXPECT_EQ(host_.timers[0], 300u);
  timer_set(probes_[2].timer, 1, 200);
  EXPECT_EQ(host_.timers[0], 200u);
  run_at(400);
  EXPECT_EQ(fired_, (std::vector<int>{2, 0, 1}));
}

TEST_F(TimerTest, TimerOfAClosedQueue_CanBeStoppedAndSetAgain) {
  timer_set(probes_[0].timer, 1, 300);
  timers_close(1);
  timer_stop(probes_[0].timer);
  EXPECT_EQ(host_.timers[0], kNever);
  timer_set(probes_[0].timer, 1, 500);
  EXPECT_EQ(host_.timers[0], 500u);
}

TEST_F(TimerTest, OpenedQueue_HasWhatWasSetForIt_BeforeOrMeanwhile) {
  timer_set(probes_[0].timer, 1, 300);
  timers_close(1);
  timer_set(probes_[1].timer, 1, 200);
  timer_set(probes_[2].timer, 0, 100);
  timers_open(1);
  EXPECT_EQ(host_.timers[1], 200u);
  EXPECT_EQ(host_.timers[0], 100u);
  run_at(300);
  EXPECT_EQ(fired_, std::vector<int>{2});
  timers_run(1);
  EXPECT_EQ(fired_, (std::vector<int>{2, 1, 0}));
}

TEST_F(TimerTest, HostThatIsALittleEarly_IsArmedAgain) {
  timer_set(probes_[0].timer, 0, 3'000'000);
  host_.timers[0] = kNever;  // it has gone off
  run_at(2'999'000);
  EXPECT_TRUE(fired_.empty());
  EXPECT_EQ(host_.timers[0], 3'000'000u);
  run_at(3'000'000);
  EXPECT_EQ(fired_, std::vector<int>{0});
}

TEST_F(TimerTest, ClockThatStepsBack_IsNotBelieved) {
  host_.now_ns = 500;
  EXPECT_EQ(now(), 500u);
  host_.now_ns = 400;
  EXPECT_EQ(now(), 500u);
  host_.now_ns = 501;
  EXPECT_EQ(now(), 501u);
}

}  // namespace hv::testing
