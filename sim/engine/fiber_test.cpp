#include "sim/engine/fiber.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

struct Counter {
  Fiber* fiber = nullptr;
  int steps = 0;
};

void count_steps(void* argument) {
  auto& counter = *static_cast<Counter*>(argument);
  for (;;) {
    ++counter.steps;
    counter.fiber->leave();
  }
}

constexpr size_t kStackBytes = 64 * 1024;

TEST(Fiber, Resume_RunsToTheNextLeave) {
  Counter counter;
  Fiber fiber(kStackBytes, count_steps, &counter);
  counter.fiber = &fiber;
  EXPECT_EQ(counter.steps, 0);
  fiber.resume();
  EXPECT_EQ(counter.steps, 1);
  fiber.resume();
  fiber.resume();
  EXPECT_EQ(counter.steps, 3);
}

TEST(Fiber, TwoFibers_KeepTheirOwnPlace) {
  Counter a;
  Counter b;
  Fiber fiber_a(kStackBytes, count_steps, &a);
  Fiber fiber_b(kStackBytes, count_steps, &b);
  a.fiber = &fiber_a;
  b.fiber = &fiber_b;
  fiber_a.resume();
  fiber_b.resume();
  fiber_a.resume();
  EXPECT_EQ(a.steps, 2);
  EXPECT_EQ(b.steps, 1);
}

void leave_for_good(void* argument) {
  auto& counter = *static_cast<Counter*>(argument);
  ++counter.steps;
  counter.fiber->abandon();
}

TEST(Fiber, AbandonThenRestart_StartsAfresh) {
  Counter counter;
  Fiber fiber(kStackBytes, leave_for_good, &counter);
  counter.fiber = &fiber;
  fiber.resume();
  fiber.restart();
  fiber.resume();
  EXPECT_EQ(counter.steps, 2);
}

TEST(Fiber, DroppedInTheMiddle_RunsNoDestructors) {
  Counter counter;
  {
    Fiber fiber(kStackBytes, count_steps, &counter);
    counter.fiber = &fiber;
    fiber.resume();
  }
  EXPECT_EQ(counter.steps, 1);
}

}  // namespace
}  // namespace assay
