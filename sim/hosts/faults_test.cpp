/// Planted faults of the migration code and of the core's log-dirty tracking: the oracles of moves find each, and
/// nothing without.
#include <gtest/gtest.h>

#include "sim/base/paths.hpp"
#include "sim/hosts/sweep.hpp"
#include "sim/toolstack/migration/fault.hpp"

namespace assay::hosts {
namespace {

std::vector<HostOptions> two_hosts(const std::string& fault) {
  HostOptions options;
  options.core = artifact("hv-faults.so");
  if (!fault.empty()) options.command_line = "fault=" + fault;
  return {options, options};
}

/// Some cases of each kind: plain moves, other words for the same, a lost connection, the last steps of a restore.
std::vector<MoveCase> some_cases(MovePlayer& player) {
  std::vector<MoveCase> some;
  for (const SweepWay& way : all_ways()) {
    const MoveCase plain{.type = way.type, .is_live = way.is_live};
    MoveCase several = plain;
    several.moves = 2;
    several.writes_per_ms = 100;
    some.push_back(several);
    std::vector<MoveCase> calls;
    for (const MoveCase& one : sweep_cases(player, plain)) {
      const bool is_here = one.fault.at >= 4 && one.fault.at <= 7 && one.fault.byte == 0;
      const bool is_reworded = one.fault.link == LinkFault::kMerged || one.fault.link == LinkFault::kHoled;
      if (is_here && (is_reworded || one.fault.link == LinkFault::kLost)) some.push_back(one);
      if (one.fault.where == FaultPoint::Where::kTargetCall) calls.push_back(one);
    }
    constexpr std::ptrdiff_t kLast = 4;
    some.insert(some.end(), calls.end() - kLast, calls.end());
  }
  return some;
}

/// What is said of the first case with which something is wrong.
std::string first_complaint(MovePlayer& player, const std::vector<MoveCase>& cases) {
  for (const MoveCase& one : cases) {
    const MoveOutcome outcome = player.play(one);
    if (!outcome.wrong.empty()) return flags_of(one) + ": " + outcome.wrong.front();
  }
  return "";
}

class MigrationFaults : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    MovePlayer player(two_hosts(""));
    cases_ = some_cases(player);
  }
  void TearDown() override { EXPECT_TRUE(migration::plant_fault("")); }
  static inline std::vector<MoveCase> cases_;
};

TEST_F(MigrationFaults, None_IsFoundWithoutAFault) {
  MovePlayer player(two_hosts(""));
  EXPECT_EQ(first_complaint(player, cases_), "");
}

TEST_F(MigrationFaults, EachOfTheToolstack_IsFound) {
  MovePlayer player(two_hosts(""));
  for (const std::string_view name : migration::detail::kFaultNames) {
    ASSERT_TRUE(migration::plant_fault(name));
    const std::string said = first_complaint(player, cases_);
    EXPECT_NE(said, "") << name;
  }
}

TEST_F(MigrationFaults, EachOfTheCoresTracking_IsFound) {
  for (const char* const name :
       {"logdirty.hypervisor_writes_missed", "logdirty.clean_does_not_protect", "logdirty.count_not_reset",
        "logdirty.disable_leaks_bitmap", "logdirty.grant_unmap_missed", "p2m.max_gpfn_not_raised"}) {
    MovePlayer player(two_hosts(name));
    const std::string said = first_complaint(player, cases_);
    EXPECT_NE(said, "") << name;
  }
}

}  // namespace
}  // namespace assay::hosts
