#include "fuzz/faults/scenarios_detector.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <utility>

#include "conformance/runner/scenario_target.hpp"
#include "fuzz/faults/embedded.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/target/host/target_host.hpp"

namespace assay {
namespace {

/// Of each four seeds, one that does not steer and one that does.
constexpr uint64_t kSeeds = 2, kSeedsApart = 4;
/// They are seconds of virtual time on machines of up to 128 pCPUs.
constexpr std::chrono::seconds kScenarioLimit{30};

/// The core that `make_target` means, without a machine of its own: scenarios have theirs.
std::unique_ptr<Target> for_scenarios(const TargetFactory& make_target) {
  const HostOptions options = dynamic_cast<HostTarget&>(*make_target()).options();
  return std::make_unique<ScenarioTarget>(options.core, options.command_line);
}

bool broke(const CaseResult& result) {
  return result.verdict > Verdict::kInconclusive;
}

}  // namespace

uint64_t steps_of(const scenario::Scenario& scenario) {
  uint64_t steps = scenario.actions.size();
  for (const auto& domain : scenario.domains) steps += domain.vcpus.size();
  return steps;
}

ScenariosDetector::ScenariosDetector(uint64_t seed, unsigned jobs) : jobs_(jobs) {
  for (const EmbeddedFile& file : embedded_scenarios()) {
    const std::string name = std::filesystem::path(file.name).stem().string();
    tasks_.scenarios.push_back(scenario::read_scenario(name, file.text));
  }
  // What is found is found in few steps.
  std::ranges::sort(tasks_.scenarios, {}, [](const auto& one) { return std::pair(steps_of(one), one.name); });
  for (size_t i = 0; i < tasks_.scenarios.size(); ++i) {
    for (uint64_t number = 0; number < kSeeds; ++number) tasks_.tasks.push_back({i, kSeedsApart * seed + number});
  }
  reach_ = Reach(tasks_.tasks.size());
}

Detection ScenariosDetector::look(const Suspect& suspect) {
  const ScenarioTasks played{tasks_.scenarios, pick(tasks_.tasks, reach_.tasks(suspect.place))};
  RunOptions options = detector_options(tasks_.tasks.front().seed, jobs_);
  options.case_limit = kScenarioLimit;
  options.enough = [](size_t, const CaseResult& result) { return broke(result); };
  RunObserver silent;
  const TargetFactory make = [&] { return for_scenarios(suspect.make); };
  const RunOutcome outcome = play_tasks(make, played, play_on_core, options, silent);
  must_have_ended(outcome);
  const auto found = std::ranges::find_if(outcome.results, [](const auto& result) { return result && broke(*result); });
  if (found == outcome.results.end()) {
    if (outcome.unavailable.empty() && !suspect.place) reach_.learn(outcome.results);
    return said_by_boot(outcome);
  }
  const ScenarioTask& task = played.tasks[static_cast<size_t>(found - outcome.results.begin())];
  return {.found = true,
          .verdict = std::string(to_string((*found)->verdict)),
          .by = id_of(played, task),
          .message = (*found)->message,
          .steps = steps_of(tasks_.scenarios[task.scenario])};
}

}  // namespace assay
