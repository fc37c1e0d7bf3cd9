#include "sim/scenario/generate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "sim/scenario/read_scenario.hpp"

namespace assay::scenario {
namespace {

TEST(Generate, EverySeed_MakesAFileThatCanBeRead) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const std::string text = generate_scenario(seed);
    EXPECT_NO_THROW(read_scenario("generated.yaml", text)) << text;
  }
}

TEST(Generate, SameSeed_SameFile_OthersDiffer) {
  EXPECT_EQ(generate_scenario(7), generate_scenario(7));
  EXPECT_NE(generate_scenario(7), generate_scenario(8));
}

TEST(Generate, Seeds_HaveMachinesOfEverySize_AllActionsAndFourSchedulers) {
  uint32_t least = kPcpusMax, most = 0;
  std::set<SchedulerKind> schedulers;
  std::set<Action::Kind> actions;
  uint32_t with_faults = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    const Scenario scenario = read_scenario("generated.yaml", generate_scenario(seed));
    least = std::min(least, scenario.pcpus);
    most = std::max(most, scenario.pcpus);
    for (const Pool& pool : scenario.pools) schedulers.insert(pool.scheduler.kind);
    for (const Action& action : scenario.actions) actions.insert(action.kind);
    if (scenario.faults.any()) ++with_faults;
  }
  EXPECT_EQ(least, 1u);
  EXPECT_GT(most, 250u);
  EXPECT_EQ(schedulers.size(), 4u);
  EXPECT_EQ(actions.size(), 7u);
  EXPECT_GT(with_faults, 30u);
}

}  // namespace
}  // namespace assay::scenario
