#include "tools/cli/scenario_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "conformance/runner/scenario_target.hpp"
#include "fuzz/faults/catalogue.hpp"
#include "sim/base/paths.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kSeedLimit{60};

}  // namespace

std::string id_of(const ScenarioBatch& batch, const ScenarioTask& task) {
  return fmt::format("{}.seed{}", batch.scenarios[task.scenario].name, task.seed);
}

fs::path scenario_core(const RunFlags& flags) {
  if (flags.fault.empty()) return core_path(flags.target);
  if (flags.target != "hv") {
    throw InputError(fmt::format("--fault {}: only the bundled core has planted faults", flags.fault));
  }
  static_cast<void>(find_fault(flags.fault));
  return artifact("hv-faults.so");
}

RunOutcome play_all(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress) {
  const fs::path core = scenario_core(flags);
  std::vector<Variant> variants(batch.tasks.size());
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < variants.size(); ++i) {
    variants[i].id = id_of(batch, batch.tasks[i]);
    index.emplace(variants[i].id, i);
  }
  const std::string command_line = flags.fault.empty() ? "" : "fault=" + find_fault(flags.fault).name;
  RunOptions options;
  options.jobs = flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
  options.case_limit = kSeedLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  options.grade = [&batch, &index](Target& target, const Variant& variant) {
    const ScenarioTask& task = batch.tasks[index.at(variant.id)];
    return dynamic_cast<ScenarioTarget&>(target).play(batch.scenarios[task.scenario], task.seed);
  };
  const TargetFactory make = [&] { return std::make_unique<ScenarioTarget>(core, command_line); };
  return run_variants(make, variants, options, progress);
}

}  // namespace assay
