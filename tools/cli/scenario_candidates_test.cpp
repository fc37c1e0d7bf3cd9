#include "tools/cli/scenario_candidates.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/engine/interleaving.hpp"
#include "sim/input/input_error.hpp"
#include "sim/scenario/read_scenario.hpp"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kNoneSeed = 4, kPctSeed = 5, kWalkSeed = 6;
const std::string kHead = "machine: {pcpus: 2}\nduration: 100ms\ndomains:\n- {name: a, workload: cpu-bound}\n";

std::vector<std::string> smaller(const std::string& more, uint64_t seed = kNoneSeed) {
  return smaller_scenarios(kHead + more, seed);
}

TEST(MinimizeCandidates, RandomMoment_BecomesWhatTheSeedChose_FirstOfAll) {
  const auto all = smaller("actions:\n- {within: 10ms, until: 90ms, pause: a}\n");
  EXPECT_THAT(all.front(), AllOf(HasSubstr("at: "), Not(HasSubstr("within"))));
  const scenario::Scenario before =
      scenario::read_scenario("a.yaml", kHead + "actions:\n- {within: 10ms, until: 90ms, pause: a}\n");
  const scenario::Scenario after = scenario::read_scenario("b.yaml", all.front());
  EXPECT_GE(after.actions.at(0).from_ns, before.actions.at(0).from_ns);
  EXPECT_LT(after.actions.at(0).from_ns, before.actions.at(0).until_ns);
}

TEST(MinimizeCandidates, Actions_ComeSooner_AtRounderTimes_AndOnce) {
  const auto all = smaller("actions:\n- {at: 37.31ms, pause: a}\n- {every: 3ms, from: 5ms, unpause: a}\n");
  for (const char* time : {"at: 0", "at: 37ms", "at: 30ms", "at: 18ms", "at: 10ms"}) {
    EXPECT_THAT(all, Contains(HasSubstr(time))) << time;
  }
  EXPECT_THAT(all, Contains(AllOf(HasSubstr("at: 5ms"), Not(HasSubstr("every")))));
  EXPECT_THAT(all, Contains(HasSubstr("from: 2ms")));
}

TEST(MinimizeCandidates, Interleaving_FirstNone_ThenStrictPriorities_ThenFewerChanges) {
  const auto pct = smaller("interleaving: {changes: [50, 900]}\n");
  EXPECT_THAT(pct.at(0), HasSubstr("interleaving: none"));
  EXPECT_THAT(pct.at(1), HasSubstr("changes: []"));
  for (const char* less : {"changes: [900]", "changes: [50]", "changes: [20, 900]", "changes: [50, 400]"}) {
    EXPECT_THAT(pct, Contains(HasSubstr(less))) << less;
  }
  const auto walk = smaller("interleaving: {one_in: 64}\n");
  EXPECT_THAT(walk, Contains(HasSubstr("one_in: 1048576")));
  EXPECT_THAT(walk, Contains(HasSubstr("one_in: 256")));
  EXPECT_THAT(walk, Not(Contains(HasSubstr("one_in: 32}"))));
  EXPECT_THAT(walk, Contains(HasSubstr("changes: [512]")));
}

TEST(MinimizeCandidates, InterleavingOfTheSeed_IsSaidInTheFile) {
  const RunChoice choice = choice_of_run(kPctSeed);
  ASSERT_TRUE(choice.changes);
  std::string points;
  for (const uint64_t point : *choice.changes) {
    points += (points.empty() ? "" : ", ") + std::to_string(point);
  }
  EXPECT_THAT(smaller("", kPctSeed), Contains(HasSubstr("changes: [" + points + "]")));
  EXPECT_THAT(smaller("", kWalkSeed), Contains(HasSubstr("one_in: ")));
  EXPECT_THAT(smaller("", kNoneSeed), Not(Contains(HasSubstr("one_in: "))));
}

TEST(MinimizeCandidates, FaultsAndVariation_BecomeLess) {
  const auto all = smaller_scenarios(
      "machine: {pcpus: 1}\nduration: 100ms\nfaults: {signal_delay: 37us, slow_pcpus: 0, slow_factor: 300%, until: "
      "60ms}\n"
      "domains:\n- {name: a, workload: {kind: interactive, run: 1ms, sleep: 2ms, variation: 50%}}\n",
      kNoneSeed);
  for (const char* less : {"signal_delay: 30us", "signal_delay: 18us", "slow_factor: 200%", "until: 30ms"}) {
    EXPECT_THAT(all, Contains(HasSubstr(less))) << less;
  }
  EXPECT_THAT(all, Contains(Not(HasSubstr("variation"))));
}

TEST(MinimizeCandidates, WhoeverAlwaysTakesTheLast_ComesToAnEnd) {
  std::string text = kHead +
                     "faults: {timer_lateness: 99us, signal_delay: 10us}\nactions:\n- {within: 10ms, pause: a}\n"
                     "- {every: 7ms, from: 3ms, unpause: a}\nexpect:\n- no_starvation: {longer_than: 90ms}\n";
  int rounds = 0;
  for (; rounds < 1000; ++rounds) {
    const auto all = smaller_scenarios(text, kPctSeed);
    const auto possible = [](const std::string& candidate) {
      try {
        static_cast<void>(scenario::read_scenario("c.yaml", candidate));
        return true;
      } catch (const InputError&) {
        return false;
      }
    };
    const auto last = std::find_if(all.rbegin(), all.rend(), possible);
    if (last == all.rend()) break;
    text = *last;
  }
  EXPECT_LT(rounds, 1000) << text;
}

}  // namespace
}  // namespace assay
