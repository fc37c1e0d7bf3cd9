#include "conformance/runner/progress.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Progress, Line_HasCountRateAndTimeLeft) {
  using std::chrono::milliseconds;
  EXPECT_EQ(progress_line(0, 10, 0, milliseconds(5)), "[0/10]");
  EXPECT_EQ(progress_line(50, 200, 0, milliseconds(500)), "[50/200] 100/s, 2 s left");
  EXPECT_EQ(progress_line(200, 200, 3, milliseconds(1000)), "[200/200] 200/s, 0 s left, 3 failed");
  EXPECT_EQ(progress_line(1, 2, 0, milliseconds(0)), "[1/2] 1000/s, 1 s left");
}

TEST(Progress, SlowerThanOneEachSecond_IsCountedByMinuteOrHour) {
  using std::chrono::milliseconds;
  EXPECT_EQ(progress_line(1, 2, 0, milliseconds(1000)), "[1/2] 1/s, 1 s left");
  EXPECT_EQ(progress_line(9, 10, 0, milliseconds(10'000)), "[9/10] 54/min, 2 s left");
  EXPECT_EQ(progress_line(1, 2, 0, milliseconds(90'000)), "[1/2] 40/h, 90 s left");
}

}  // namespace
}  // namespace assay
