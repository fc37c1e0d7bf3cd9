/// Scenarios and seeds, played in worker processes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "conformance/runner/runner.hpp"
#include "sim/scenario/scenario.hpp"

namespace assay {

/// One seed of one scenario.
struct ScenarioTask {
  size_t scenario;
  uint64_t seed;
};

struct ScenarioTasks {
  std::vector<scenario::Scenario> scenarios;
  std::vector<ScenarioTask> tasks;
};

/// "pool-moves.seed7"
std::string id_of(const ScenarioTasks& all, const ScenarioTask& task);

using ScenarioGrader = std::function<CaseResult(Target& target, const scenario::Scenario& scenario, uint64_t seed)>;

/// Of targets that are ScenarioTargets.
CaseResult play_on_core(Target& target, const scenario::Scenario& scenario, uint64_t seed);

/// One result per task, in the order given; no two may have the same id. Of `options`, `grade` is not looked at.
RunOutcome play_tasks(const TargetFactory& make_target, const ScenarioTasks& all, const ScenarioGrader& grade,
                      RunOptions options, RunObserver& observer);

}  // namespace assay
