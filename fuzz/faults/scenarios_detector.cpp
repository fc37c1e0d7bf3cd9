#include "fuzz/faults/scenarios_detector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <string>
#include <utility>

#include "conformance/runner/runner.hpp"
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
    scenarios_.push_back(scenario::read_scenario(name, file.text));
  }
  // What is found is found in few steps.
  std::ranges::sort(scenarios_, {}, [](const scenario::Scenario& one) { return std::pair(steps_of(one), one.name); });
  for (size_t i = 0; i < scenarios_.size(); ++i) {
    for (uint64_t number = 0; number < kSeeds; ++number) tasks_.push_back({i, kSeedsApart * seed + number});
  }
}

Detection ScenariosDetector::look(const TargetFactory& make_target) {
  std::vector<Variant> variants(tasks_.size());
  std::map<std::string, Task> by_id;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    variants[i].id = fmt::format("{}.seed{}", scenarios_[tasks_[i].scenario].name, tasks_[i].seed);
    by_id.emplace(variants[i].id, tasks_[i]);
  }
  RunOptions options = detector_options(tasks_.front().seed, jobs_);
  options.case_limit = kScenarioLimit;
  options.enough = [](size_t, const CaseResult& result) { return broke(result); };
  options.grade = [&](Target& target, const Variant& variant) {
    const Task& task = by_id.at(variant.id);
    return dynamic_cast<ScenarioTarget&>(target).play(scenarios_[task.scenario], task.seed);
  };
  RunObserver silent;
  const RunOutcome outcome = run_variants([&] { return for_scenarios(make_target); }, variants, options, silent);
  must_have_ended(outcome);
  const auto found = std::ranges::find_if(outcome.results, [](const auto& result) { return result && broke(*result); });
  if (found == outcome.results.end()) return said_by_boot(outcome);
  const auto at = static_cast<size_t>(found - outcome.results.begin());
  return {.found = true,
          .verdict = std::string(to_string((*found)->verdict)),
          .by = variants[at].id,
          .message = (*found)->message,
          .steps = steps_of(scenarios_[tasks_[at].scenario])};
}

}  // namespace assay
