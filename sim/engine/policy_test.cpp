#include "sim/engine/policy.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace assay {
namespace {

PcpuSet set_of(std::initializer_list<uint32_t> members) {
  PcpuSet set;
  for (const uint32_t member : members) set.add(member);
  return set;
}

TEST(PcpuSet, Iteration_IsAscendingAcrossWords) {
  const PcpuSet set = set_of({200, 3, 64, 63});
  std::vector<uint32_t> seen;
  for (uint32_t p = set.at_or_above(0); p != PcpuSet::kNone; p = set.at_or_above(p + 1)) seen.push_back(p);
  EXPECT_EQ(seen, (std::vector<uint32_t>{3, 63, 64, 200}));
  EXPECT_EQ(set.count(), 4u);
  EXPECT_EQ(set.nth(2), 64u);
}

TEST(PcpuSet, After_WrapsAround) {
  const PcpuSet set = set_of({1, 255});
  EXPECT_EQ(set.after(1), 255u);
  EXPECT_EQ(set.after(255), 1u);
  EXPECT_EQ(PcpuSet{}.after(3), PcpuSet::kNone);
}

TEST(NeverSwitch, AtPoint_StaysAndNextIsRoundRobin) {
  NeverSwitch policy;
  const PcpuSet ready = set_of({0, 2, 5});
  EXPECT_FALSE(policy.steers());
  EXPECT_EQ(policy.at_point(ASSAY_POINT_LOCK_TAKEN, 2, ready), 2u);
  EXPECT_EQ(policy.next(2, ready), 5u);
  EXPECT_EQ(policy.next(5, ready), 0u);
}

std::vector<uint32_t> walk(uint64_t seed, uint64_t one_in) {
  RandomWalk policy(Rng(seed).fork("sched"), one_in);
  const PcpuSet ready = set_of({0, 1, 2, 3});
  std::vector<uint32_t> path{0};
  for (int i = 0; i < 1000; ++i) path.push_back(policy.at_point(ASSAY_POINT_LOCK_TAKEN, path.back(), ready));
  return path;
}

TEST(RandomWalk, SameSeed_SamePath) {
  EXPECT_EQ(walk(1, 3), walk(1, 3));
  EXPECT_NE(walk(1, 3), walk(2, 3));
}

TEST(RandomWalk, OneInZero_NeverSwitches) {
  EXPECT_EQ(walk(1, 0), std::vector<uint32_t>(1001, 0));
}

TEST(RandomWalk, SwitchesAboutAsOftenAsAsked) {
  const std::vector<uint32_t> path = walk(1, 4);
  int switches = 0;
  for (size_t i = 1; i < path.size(); ++i) switches += path[i] != path[i - 1];
  EXPECT_GT(switches, 100);  // 1000 / 4, three times in four to another pCPU: about 190
  EXPECT_LT(switches, 300);
}

}  // namespace
}  // namespace assay
