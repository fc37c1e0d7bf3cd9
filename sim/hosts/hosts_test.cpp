/// Domains that move between simulated hosts.
#include <gtest/gtest.h>

#include <algorithm>

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

TEST_P(Moves, Timeline_HasRoundsAndMomentsInTheirOrder) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MovePlayer player(two);
  const MoveOutcome outcome = player.play({.type = GetParam().type, .is_live = GetParam().is_live});
  const MoveReport& report = outcome.reports.front();
  const MoveTimeline& times = report.timeline;
  EXPECT_EQ(times.source + times.target, "ab");
  const std::vector<uint64_t> moments{times.began_ns,     times.suspended_ns, times.sent_ns,
                                      times.restoring_ns, times.restored_ns,  times.resumed_ns};
  EXPECT_TRUE(std::ranges::is_sorted(moments));
  EXPECT_GT(times.began_ns, 0u);
  ASSERT_EQ(times.rounds.size(), report.saved.rounds.size());
  EXPECT_GT(times.rounds.back().ended_ns, times.suspended_ns);
  for (size_t i = 0; i < times.rounds.size(); ++i) {
    EXPECT_EQ(times.rounds[i].sent, report.saved.rounds[i]);
    EXPECT_GE(times.rounds[i].dirty, times.rounds[i].sent);
  }
  EXPECT_LE(times.rounds.back().sent_bytes, report.sent_bytes);
}

TEST(MoveFaults, WhatTheFaultMet_IsNamed) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MovePlayer player(two);
  const auto met = [&](const char* point) {
    const MoveReport report = player.play({.fault = fault_point_from(point).value()}).reports.front();
    EXPECT_TRUE(report.has_struck) << point;
    const bool is_marked = std::ranges::any_of(report.timeline.events, &MoveEvent::is_trouble);
    EXPECT_TRUE(is_marked) << point;
    return report.met;
  };
  EXPECT_EQ(met("corrupted:0:3"), "headers");
  EXPECT_EQ(met("vanished:4:100"), "PAGE_DATA");
  EXPECT_EQ(met("delayed:4:0"), "PAGE_DATA");
  EXPECT_EQ(met("source-call:3").substr(0, 10), "hypercall ");
  EXPECT_EQ(met("target-room:100"), "room");
  const MoveReport beyond = player.play({.fault = fault_point_from("lost:1000:0").value()}).reports.front();
  EXPECT_EQ(beyond.met, "");
  EXPECT_FALSE(beyond.has_struck);
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
