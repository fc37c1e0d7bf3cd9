/// Tests of guests that move, on the target that the program was linked for: booted once a suite, made ready for each.
#pragma once

#include <gtest/gtest.h>

#include "sim/toolstack/migration/testing/moving.hpp"

namespace assay::migration::testing {

class MovingTest : public ::testing::Test {
 protected:
  /// Skips where there is no such target; a fixture that sets up more looks at IsSkipped() then.
  void SetUp() override {
    if (!shared_.target) shared_ = boot_moving_target();
    if (!shared_.target) GTEST_SKIP() << shared_.reason;
    target().begin_case(0);
  }
  static void TearDownTestSuite() { shared_ = {}; }
  static Target& target() { return *shared_.target; }

 private:
  static inline MovingTarget shared_;
};

/// The same for each type of guest.
class MovingTestOfType : public MovingTest, public ::testing::WithParamInterface<GuestType> {};

}  // namespace assay::migration::testing
