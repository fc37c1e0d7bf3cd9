#include "sim/engine/pct.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "sim/engine/fiber.hpp"
#include "sim/engine/interleaving.hpp"

namespace assay {
namespace {

/// Fibers that pass scheduling points, under a policy.
class Crew {
 public:
  /// What a fiber does; `point` is a scheduling point. It owns nothing: the fiber is never unwound.
  using Work = void (*)(Crew& crew, uint32_t me);

  Crew(std::unique_ptr<SchedulePolicy> policy, uint32_t fibers, Work work) : policy_(std::move(policy)), work_(work) {
    members_.reserve(fibers);
    for (uint32_t i = 0; i < fibers; ++i) {
      members_.push_back({this, i});
      constexpr size_t kStackBytes = 64 << 10;
      fibers_.push_back(std::make_unique<Fiber>(kStackBytes, body, &members_.back()));
      ready_.add(i);
    }
    while (!ready_.empty() && order.size() < kPointsMax) {
      running_ = chosen_ != PcpuSet::kNone ? std::exchange(chosen_, PcpuSet::kNone) : policy_->next(running_, ready_);
      fibers_[running_]->resume();
    }
  }

  void point() {
    order.push_back(running_);
    go_on_with(policy_->at_point(ASSAY_POINT_GUEST_READ, running_, ready_));
  }
  /// Until `is_there`, which another fiber sees to.
  void wait(const bool& is_there) {
    while (!is_there) {
      order.push_back(running_);
      PcpuSet others = ready_;
      others.remove(running_);
      --preemptions;  // not one of the policy's choice
      go_on_with(policy_->at_wait(running_, others));
    }
  }
  [[nodiscard]] bool is_done() const { return ready_.empty(); }

  std::vector<uint32_t> order;  ///< who passed each point
  int preemptions = 0;          ///< of a fiber that could have gone on
  uint64_t word = 0;
  bool is_open = false;

 private:
  static constexpr size_t kPointsMax = 10'000;
  struct Member {
    Crew* crew;
    uint32_t index;
  };
  static void body(void* argument) {
    const auto& [crew, index] = *static_cast<Member*>(argument);
    crew->work_(*crew, index);
    crew->ready_.remove(index);
    crew->fibers_[index]->abandon();
  }
  void go_on_with(uint32_t chosen) {
    if (chosen == running_ && order.size() < kPointsMax) return;
    ++preemptions;
    chosen_ = chosen;
    fibers_[running_]->leave();
  }

  std::unique_ptr<SchedulePolicy> policy_;
  Work work_;
  std::vector<Member> members_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  PcpuSet ready_;
  uint32_t running_ = 0;
  uint32_t chosen_ = PcpuSet::kNone;
};

constexpr uint32_t kPointsAround = 30;
constexpr uint64_t kPointsOfTwo = uint64_t{2} * (2 * kPointsAround + 1);

/// Adds one to the word: read, a point, written. Many points before and after are harmless.
void add_one(Crew& crew, uint32_t) {
  for (uint32_t i = 0; i < kPointsAround; ++i) crew.point();
  const uint64_t before = crew.word;
  crew.point();
  crew.word = before + 1;
  for (uint32_t i = 0; i < kPointsAround; ++i) crew.point();
}

Crew two_that_add(uint64_t number, uint32_t depth) {
  return {std::make_unique<Pct>(Rng(number), depth, kPointsOfTwo), 2, add_one};
}

TEST(Pct, SameNumber_SameOrder) {
  EXPECT_EQ(two_that_add(3, 3).order, two_that_add(3, 3).order);
  bool differs = false;
  for (uint64_t number = 4; number < 20; ++number) {
    differs = differs || two_that_add(number, 3).order != two_that_add(3, 3).order;
  }
  EXPECT_TRUE(differs);
}

// One point of 61 counts, of whoever runs first: at least one number in 122 does it.
TEST(Pct, DepthTwo_FindsALostUpdateAmongManyPoints) {
  int found = 0;
  for (uint64_t number = 1; number <= 1000; ++number) found += two_that_add(number, 2).word == 1;
  EXPECT_GE(found, 4);
}

TEST(Pct, DepthOne_NeverPreempts_SoItFindsNone) {
  for (uint64_t number = 1; number <= 200; ++number) {
    const Crew crew = two_that_add(number, 1);
    EXPECT_EQ(crew.word, 2u);
    EXPECT_EQ(crew.preemptions, 0);
  }
}

TEST(Pct, Depth_BoundsPreemptions_AndIsReached) {
  for (const uint32_t depth : {2u, 3u, 4u}) {
    int most = 0;
    for (uint64_t number = 1; number <= 300; ++number) most = std::max(most, two_that_add(number, depth).preemptions);
    EXPECT_EQ(most, static_cast<int>(depth) - 1);
  }
}

/// The last fiber opens what the others wait for, having passed points at which they could push in.
void wait_or_open(Crew& crew, uint32_t me) {
  if (me != 2) return crew.wait(crew.is_open);
  for (uint32_t i = 0; i < kPointsAround; ++i) crew.point();
  crew.is_open = true;
}

TEST(Pct, WhoWaits_LetsOthersGetOn) {
  for (uint64_t number = 1; number <= 100; ++number) {
    const Crew crew(std::make_unique<Pct>(Rng(number), 3, kPointsAround), 3, wait_or_open);
    EXPECT_TRUE(crew.is_done()) << number;
    EXPECT_LE(crew.order.size(), 2 * kPointsAround) << number;
  }
}

TEST(Pct, StepsWithoutEnd_LetOthersGetOn) {
  Pct policy(Rng(1), 2, 100);
  PcpuSet ready;
  ready.add(0);
  ready.add(1);
  const uint32_t first = policy.next(0, ready);
  uint32_t chosen = first;
  int steps = 0;
  for (; chosen == first && steps < 5000; ++steps) chosen = policy.next(chosen, ready);
  EXPECT_NE(chosen, first);
  EXPECT_GT(steps, 100);
}

TEST(Pct, StepsWithoutEnd_ThatOthersInterrupt_LetTheLastGetOn) {
  Pct policy(Rng(1), 2, 100);
  PcpuSet all;
  for (uint32_t pcpu = 0; pcpu < 3; ++pcpu) all.add(pcpu);
  const uint32_t first = policy.next(0, all);
  PcpuSet rest = all;
  rest.remove(first);
  const uint32_t second = policy.next(first, rest);
  const uint32_t third = 3 - first - second;
  uint32_t chosen = first;
  int steps = 0;
  for (; chosen != third && steps < 50'000; ++steps) chosen = policy.next(chosen, steps % 100 == 0 ? all : rest);
  EXPECT_EQ(chosen, third);
}

TEST(Interleaving, Numbers_ChooseWalksAndPriorities) {
  for (uint64_t number = 1; number <= 40; ++number) {
    const auto policy = interleaving(number);
    EXPECT_EQ(dynamic_cast<const Pct*>(policy.get()) != nullptr, number % 4 < 2) << number;
    EXPECT_EQ(dynamic_cast<const RandomWalk*>(policy.get()) != nullptr, number % 4 >= 2) << number;
  }
}

TEST(Interleaving, TheFirstKind_SwitchesOnce) {
  int most = 0;
  for (uint64_t number = 0; number < 400; number += kInterleavingKinds) {
    most = std::max(most, Crew(interleaving(number), 2, add_one).preemptions);
  }
  EXPECT_EQ(most, 1);
}

TEST(Interleaving, SameNumber_SameOrder) {
  for (uint64_t number = 1; number <= 50; ++number) {
    EXPECT_EQ(Crew(interleaving(number), 3, add_one).order, Crew(interleaving(number), 3, add_one).order);
  }
}

TEST(InterleavingOfRun, WhatANumberChooses_CanBeHadWithoutIt) {
  for (uint64_t number = 0; number < 40; ++number) {
    const RunChoice choice = choice_of_run(number);
    EXPECT_EQ(choice.changes.has_value() + choice.one_in.has_value(), number % 4 != 0) << number;
    const auto whole = Crew(interleaving_of_run(number), 3, add_one).order;
    if (choice.one_in) {
      EXPECT_EQ(Crew(walk_of_run(number, *choice.one_in), 3, add_one).order, whole);
    }
    if (choice.changes) {
      EXPECT_EQ(Crew(pct_of_run(number, *choice.changes), 3, add_one).order, whole);
    }
    EXPECT_EQ(Crew(pct_of_run(number, {}), 3, add_one).preemptions, 0) << "strict priorities";
  }
}

TEST(InterleavingOfRun, OneInFourDoesNotSteer_TheOthersAreRepeatable) {
  for (uint64_t number = 0; number < 40; ++number) {
    const auto policy = interleaving_of_run(number);
    EXPECT_EQ(policy->steers(), number % 4 != 0) << number;
    EXPECT_EQ(Crew(interleaving_of_run(number), 3, add_one).order, Crew(interleaving_of_run(number), 3, add_one).order);
  }
}

}  // namespace
}  // namespace assay
