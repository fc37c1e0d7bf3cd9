/// Domains that move between simulated hosts.
#include <gtest/gtest.h>

#include "sim/base/paths.hpp"
#include "sim/hosts/move.hpp"

namespace assay::hosts {
namespace {

SimulatedHosts make_hosts() {
  HostOptions options;
  options.core = artifact("hv.so");
  return SimulatedHosts({options, options});
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

INSTANTIATE_TEST_SUITE_P(All, Moves,
                         ::testing::Values(Guise{GuestType::kPv64, false}, Guise{GuestType::kPvh, false},
                                           Guise{GuestType::kPvh, true}));

}  // namespace
}  // namespace assay::hosts
