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

INSTANTIATE_TEST_SUITE_P(All, Moves,
                         ::testing::Values(Guise{GuestType::kPv64, false}, Guise{GuestType::kPvh, false},
                                           Guise{GuestType::kPvh, true}));

}  // namespace
}  // namespace assay::hosts
