#include "sim/scenario/live/live_share.hpp"

#include <gtest/gtest.h>

namespace assay::scenario {
namespace {

constexpr uint64_t kWindowNs = kNsPerS;

Expectation between(uint64_t at_least, uint64_t at_most) {
  Expectation expected;
  expected.at_least = at_least;
  expected.at_most = at_most;
  return expected;
}

TEST(LiveShare, WithinTheBounds_IsMet_HoweverUnsure) {
  const LiveShare third{kWindowNs, kWindowNs / 3, kWindowNs};
  EXPECT_EQ(judge(third, between(3000, 4000)), ShareVerdict::kMet);
}

TEST(LiveShare, OutsideByMoreThanIsUnsure_IsMissed) {
  EXPECT_EQ(judge({kWindowNs, kWindowNs / 2, kWindowNs / 100}, between(0, 4000)), ShareVerdict::kMissed);
  EXPECT_EQ(judge({kWindowNs, kWindowNs / 10, kWindowNs / 100}, between(3000, UINT64_MAX)), ShareVerdict::kMissed);
}

TEST(LiveShare, OutsideByWhatIsUnsure_CannotBeTold) {
  EXPECT_EQ(judge({kWindowNs, kWindowNs / 2, kWindowNs / 10}, between(0, 4000)), ShareVerdict::kCannotTell);
  EXPECT_EQ(judge({kWindowNs, kWindowNs / 5, kWindowNs / 10}, between(3000, UINT64_MAX)), ShareVerdict::kCannotTell);
}

TEST(LiveShare, NoTimeAtAll_CannotBeTold) {
  EXPECT_EQ(judge({}, between(3000, 4000)), ShareVerdict::kCannotTell);
}

TEST(LiveShare, Words_HaveShareWindowAndDoubt) {
  EXPECT_EQ(show({2 * kWindowNs, kWindowNs, kWindowNs / 50}), "50% of a pCPU in 2000 ms, unsure by 1%");
}

}  // namespace
}  // namespace assay::scenario
