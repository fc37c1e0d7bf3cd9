/// Domains that move between simulated hosts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

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
  uint32_t vcpus = 2;
  bool is_abrupt = false;
};

class Moves : public ::testing::TestWithParam<Guise> {};

TEST_P(Moves, ThereAndBack) {
  SimulatedHosts hosts = make_hosts();
  hosts.begin(1);
  LoadOptions load;
  load.guest.type = GetParam().type;
  load.vcpus = GetParam().vcpus;
  load.is_abrupt = GetParam().is_abrupt;
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
  EXPECT_EQ(outcome.reports[0].timeline.suspended_ns == 0, GetParam().is_live) << "a live one was not even suspended";
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

TEST_P(Moves, Timeline_HasRoundsAndMomentsInTheirOrder) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MovePlayer player(two);
  const MoveOutcome outcome = player.play({.type = GetParam().type, .is_live = GetParam().is_live});
  const MoveReport& report = outcome.reports.front();
  const MoveTimeline& times = report.timeline;
  EXPECT_EQ(times.source + times.target, "ab");
  const std::vector<uint64_t> at_source{times.began_ns, times.suspended_ns, times.sent_ns, times.resumed_ns};
  EXPECT_TRUE(std::ranges::is_sorted(at_source));
  const std::vector<uint64_t> at_target{times.began_ns, times.restoring_ns, times.restored_ns, times.resumed_ns};
  EXPECT_TRUE(std::ranges::is_sorted(at_target));
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
  for (const char* const text :
       {"none", "lost:3:17", "holed:5:0", "source-call:12", "target-call:0:EPERM", "source-call:7:EAGAIN",
        "target-room:0", "target-memory:9", "target-pool:64", "source-dies:3", "target-dies:0"}) {
    const auto point = fault_point_from(text);
    ASSERT_TRUE(point) << text;
    EXPECT_EQ(to_string(*point), text);
  }
  for (const char* const text : {"", "lost", "lost:", "lost:1:2:3", "target-room:1:2", "none:1", "gone:1",
                                 "source-call:1:ESRCH", "source-call:1:", "target-dies:1:EPERM", "target-memory:"}) {
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

/// What of a move was lost or stayed where, as the protocol promises it: never two of it, and none at the target unless
/// it was told to run.
struct Death {
  FaultPoint::Where where;
  uint64_t before_end;  ///< places before the last one where the host can die
  MoveEnd end;
  size_t moves;  ///< made; after a domain stayed there is another one
};

TEST_P(Moves, HostThatDies_LeavesOneDomainOrNone) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MovePlayer player(two);
  MoveCase one{.type = GetParam().type, .is_live = GetParam().is_live};
  one.is_abrupt = GetParam().is_abrupt;
  const MoveReport plain = player.play(one).reports.front();
  using Where = FaultPoint::Where;
  for (const Death& death :
       {Death{Where::kSourceDies, 2, MoveEnd::kLost, 1}, Death{Where::kSourceDies, 1, MoveEnd::kLost, 1},
        Death{Where::kSourceDies, 0, MoveEnd::kLost, 1}, Death{Where::kTargetDies, 2, MoveEnd::kStayed, 2},
        Death{Where::kTargetDies, 1, MoveEnd::kStayed, 2}, Death{Where::kTargetDies, 0, MoveEnd::kLost, 1}}) {
    const uint64_t calls = death.where == Where::kSourceDies ? plain.source_calls : plain.target_calls;
    one.fault = {.where = death.where, .at = calls + 1 - death.before_end};
    const MoveOutcome outcome = player.play(one);
    EXPECT_EQ(outcome.wrong, std::vector<std::string>{}) << flags_of(one);
    ASSERT_EQ(outcome.reports.size(), death.moves) << flags_of(one);
    EXPECT_EQ(outcome.reports.front().end, death.end) << flags_of(one);
    EXPECT_TRUE(outcome.reports.front().has_struck) << flags_of(one);
    EXPECT_EQ(outcome.reports.back().end == MoveEnd::kArrived, death.moves == 2) << flags_of(one);
  }
}

/// A planted fault of the core on one host alone, and what is said of the move from `a` to `b`.
struct OtherCore {
  GuestType type;
  const char* fault;
  bool is_at_target;
  const char* said;
};

class OtherCores : public ::testing::TestWithParam<OtherCore> {};

TEST_P(OtherCores, ThatAreWrong_AreBlamed) {
  HostOptions faulty = options_of_a_host();
  faulty.core = artifact("hv-faults.so");
  faulty.command_line = std::string("fault=") + GetParam().fault;
  std::vector<HostOptions> hosts{faulty, options_of_a_host()};
  if (GetParam().is_at_target) std::swap(hosts[0], hosts[1]);
  const MoveCase one{.type = GetParam().type};
  const std::vector<std::string> wrong = MovePlayer(hosts).play(one).wrong;
  ASSERT_FALSE(wrong.empty());
  EXPECT_THAT(wrong.front(), ::testing::HasSubstr(GetParam().said));
  // On the other host that fault has nothing to happen to in one move.
  std::swap(hosts[0], hosts[1]);
  EXPECT_EQ(MovePlayer(hosts).play(one).wrong, std::vector<std::string>{});
}

INSTANTIATE_TEST_SUITE_P(
    All, OtherCores,
    ::testing::Values(OtherCore{GuestType::kPvh, "hvm.record_without_msrs", true,
                                "vcpus: host b has restored the context of vCPU 0"},
                      OtherCore{GuestType::kPvh, "hvm.vector_injected_when_masked", true, "guest: on host b"},
                      OtherCore{GuestType::kPvh, "p2m.max_gpfn_not_raised", false, "arrival: "},
                      OtherCore{GuestType::kPvh, "memory.decrease_leaks_reference", false, "host a: domain 2"},
                      OtherCore{GuestType::kPv64, "domctl.frame_info_leaks", false, "host a: domain 2"},
                      OtherCore{GuestType::kPv64, "mmu.last_type_not_released", false, "host a: domain 2"}));

TEST(Hosts, WhereNoDomainCanLive_AreRefused) {
  HostOptions tiny = options_of_a_host();
  tiny.core = artifact("core_tiny.so");
  try {
    SimulatedHosts({options_of_a_host(), tiny});
    FAIL() << "a core without guests was taken";
  } catch (const TargetUnavailable& missing) {
    EXPECT_THAT(missing.what(), ::testing::HasSubstr("host b"));
    EXPECT_THAT(missing.what(), ::testing::HasSubstr("it lacks: pv64"));
  }
  tiny.core = artifact("core_other_version.so");
  EXPECT_THROW(SimulatedHosts({options_of_a_host(), tiny}), TargetUnavailable);
}

/// The agent's machine code in place of what does the same: to and fro, the same each time.
TEST(MovesOfMachineCode, ToAndFro_IsRepeatable) {
  HostOptions unicorn = options_of_a_host();
  unicorn.guests = HostOptions::Guests::kUnicorn;
  const std::vector<HostOptions> two(2, unicorn);
  MovePlayer player(two), again(two);
  for (MoveCase one : {MoveCase{.type = GuestType::kPv64}, MoveCase{.type = GuestType::kPvh, .is_live = true}}) {
    one.moves = 2;
    one.is_abrupt = one.is_live;
    const MoveOutcome outcome = player.play(one);
    EXPECT_EQ(outcome.wrong, std::vector<std::string>{}) << flags_of(one);
    EXPECT_EQ(outcome.reports.size(), 2u);
    EXPECT_EQ(again.play(one).digest, outcome.digest) << flags_of(one);
  }
}

TEST_P(Moves, WhateverChanceHasGoWrong_HarmsNobody) {
  const std::vector<HostOptions> two(2, options_of_a_host());
  MovePlayer player(two);
  constexpr uint64_t kCases = 30;
  const auto cases = random_cases(player, {.type = GetParam().type, .is_live = GetParam().is_live}, kCases);
  ASSERT_EQ(cases.size(), kCases);
  for (const MoveCase& one : cases) {
    EXPECT_EQ(player.play(one).wrong, std::vector<std::string>{}) << flags_of(one);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Moves,
                         ::testing::Values(Guise{GuestType::kPv64, false}, Guise{GuestType::kPvh, false},
                                           Guise{GuestType::kPvh, true}, Guise{GuestType::kPv64, false, 1, true},
                                           Guise{GuestType::kPvh, true, 6, true}));

}  // namespace
}  // namespace assay::hosts
