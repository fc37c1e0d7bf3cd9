#include "conformance/runner/scenario_tasks.hpp"

#include <fmt/format.h>

#include <map>

#include "conformance/runner/scenario_target.hpp"

namespace assay {

std::string id_of(const ScenarioTasks& all, const ScenarioTask& task) {
  return fmt::format("{}.seed{}", all.scenarios[task.scenario].name, task.seed);
}

CaseResult play_on_core(Target& target, const scenario::Scenario& scenario, uint64_t seed) {
  return dynamic_cast<ScenarioTarget&>(target).play(scenario, seed);
}

RunOutcome play_tasks(const TargetFactory& make_target, const ScenarioTasks& all, const ScenarioGrader& grade,
                      RunOptions options, RunObserver& observer) {
  std::vector<Variant> variants(all.tasks.size());
  std::map<std::string, ScenarioTask> by_id;
  for (size_t i = 0; i < variants.size(); ++i) {
    variants[i].id = id_of(all, all.tasks[i]);
    by_id.emplace(variants[i].id, all.tasks[i]);
  }
  options.grade = [&](Target& target, const Variant& variant) {
    const ScenarioTask& task = by_id.at(variant.id);
    return grade(target, all.scenarios[task.scenario], task.seed);
  };
  return run_variants(make_target, variants, options, observer);
}

}  // namespace assay
