/// Domains that move between simulated hosts.
#include <gtest/gtest.h>

#include "sim/base/paths.hpp"
#include "sim/hosts/sweep.hpp"

namespace assay::hosts {
namespace {

HostOptions options_of_a_host() {
  HostOptions options;
  options.core = artifact("hv.so");
  return options;
}

SimulatedHosts make_hosts() {
  return SimulatedHosts({options_of_a_host(), options_of_a_host()});
}

struct Guise {
  GuestType type;
  bool is_live;
};

class Moves : public ::testing::TestWithParam<Guise> {};

TEST_P(Moves, ThereAndBack) {
  SimulatedHosts hosts = make_hosts();
  hosts.begin(1);
  LoadOptions load;
  load.guest.type = GetParam().type;
  BusyDomain busy(hosts, load);
  for (size_t move_count = 0; move_count < 6; ++move_count) {
    const MoveReport report = move(hosts, busy, 1 - move_count % 2, {.is_live = GetParam().is_live});
    EXPECT_EQ(report.error, "");
    EXPECT_EQ(report.wrong, std::vector<std::string>{});
    ASSERT_EQ(report.end, MoveEnd::kArrived) << move_count;
    hosts.pass_time(1'000'000);
    busy.work();
  }
}

/// A few points of each kind; `assay migrate --sweep` plays all of them.
TEST_P(Moves, FaultsAtEveryPart_HarmNobody) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MovePlayer player(two);
  const std::vector<MoveCase> cases = sweep_cases(player, {.type = GetParam().type, .is_live = GetParam().is_live});
  EXPECT_GT(cases.size(), 650u);
  constexpr size_t kStride = 64;
  for (size_t i = 0; i < cases.size(); i += kStride) {
    const MoveOutcome outcome = player.play(cases[i]);
    EXPECT_EQ(outcome.wrong, std::vector<std::string>{}) << flags_of(cases[i]);
  }
}

/// The target restores while the source sends: one that fails early stops the source long before the end.
TEST_P(Moves, TargetThatGivesUp_StopsTheSource) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MovePlayer player(two);
  MoveCase one{.type = GetParam().type, .is_live = GetParam().is_live};
  const uint64_t whole = player.play(one).reports.front().sent_bytes;
  one.fault = {.where = FaultPoint::Where::kTargetRoom, .at = 64};
  const MoveOutcome outcome = player.play(one);
  EXPECT_EQ(outcome.wrong, std::vector<std::string>{});
  ASSERT_EQ(outcome.reports.size(), 2u) << "it moves once more, without a fault";
  EXPECT_EQ(outcome.reports[0].end, MoveEnd::kStayed);
  EXPECT_LT(outcome.reports[0].sent_bytes, whole / 2);
  EXPECT_EQ(outcome.reports[0].suspended_ns == 0, GetParam().is_live) << "a live one was not even suspended";
  EXPECT_EQ(outcome.reports[1].end, MoveEnd::kArrived);
}

TEST_P(Moves, SameSeed_SameDigest) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MoveCase one{.type = GetParam().type, .is_live = GetParam().is_live};
  one.moves = 2;
  MovePlayer player(two);
  const uint64_t first = player.play(one).digest;
  MoveCase other = one;
  other.seed = 2;
  EXPECT_NE(player.play(other).digest, first);
  EXPECT_EQ(player.play(one).digest, first);
  EXPECT_EQ(MovePlayer(two).play(one).digest, first);
}

TEST(FaultPoints, WhatIsWritten_IsRead) {
  for (const char* const text : {"none", "lost:3:17", "holed:5:0", "source-call:12", "target-room:0"}) {
    const auto point = fault_point_from(text);
    ASSERT_TRUE(point) << text;
    EXPECT_EQ(to_string(*point), text);
  }
  for (const char* const text : {"", "lost", "lost:", "lost:1:2:3", "target-room:1:2", "none:1", "gone:1"}) {
    EXPECT_FALSE(fault_point_from(text)) << text;
  }
}

/// The oracles see a page that differs, and shrinking keeps what matters: a fault that strikes late needs few moves.
TEST(Shrinking, KeepsTheOracle_AndTheFault) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MovePlayer player(two);
  MoveCase one{.type = GuestType::kPvh, .is_live = true};
  one.moves = 3;
  one.pages = 200;  // less than the agent needs
  const MoveOutcome outcome = player.play(one);
  ASSERT_FALSE(outcome.wrong.empty());
  const MoveCase small = shrunk(player, one, outcome, 20);
  EXPECT_EQ(small.moves, 1u);
  EXPECT_FALSE(small.has_traffic);
  EXPECT_EQ(player.play(small).wrong.front().substr(0, 8), outcome.wrong.front().substr(0, 8));
}

INSTANTIATE_TEST_SUITE_P(All, Moves,
                         ::testing::Values(Guise{GuestType::kPv64, false}, Guise{GuestType::kPvh, false},
                                           Guise{GuestType::kPvh, true}));

}  // namespace
}  // namespace assay::hosts
