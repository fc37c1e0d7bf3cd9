#include "tools/cli/scenario_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "conformance/runner/scenario_target.hpp"
#include "fuzz/faults/catalogue.hpp"
#include "sim/base/paths.hpp"
#include "sim/input/input_error.hpp"
#include "sim/scenario/live/live_run.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/target/xen/target_xen.hpp"
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

TargetFactory scenario_factory(const RunFlags& flags) {
  const std::string command_line = flags.fault.empty() ? "" : "fault=" + find_fault(flags.fault).name;
  return [core = scenario_core(flags), command_line] { return std::make_unique<ScenarioTarget>(core, command_line); };
}

namespace {

struct Variants {
  std::vector<Variant> all;
  std::map<std::string, size_t> index;  ///< of a task, by the id of its variant
};

Variants variants_of(const ScenarioBatch& batch) {
  Variants variants;
  variants.all.resize(batch.tasks.size());
  for (size_t i = 0; i < variants.all.size(); ++i) {
    variants.all[i].id = id_of(batch, batch.tasks[i]);
    variants.index.emplace(variants.all[i].id, i);
  }
  return variants;
}

RunOutcome play_on_core(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress) {
  const Variants variants = variants_of(batch);
  RunOptions options;
  options.jobs = flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
  options.case_limit = kSeedLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  options.grade = [&batch, &variants](Target& target, const Variant& variant) {
    const ScenarioTask& task = batch.tasks[variants.index.at(variant.id)];
    return dynamic_cast<ScenarioTarget&>(target).play(batch.scenarios[task.scenario], task.seed);
  };
  return run_variants(scenario_factory(flags), variants.all, options, progress);
}

/// Of target xen, beside the privileged domain's.
scenario::TargetPcpus live_pcpus() {
  const XenOptions options;
  return {options.dom0_vcpus, options.pcpus - options.dom0_vcpus};
}

RunOutcome play_live(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress) {
  const TargetChoice choice = choose_target(flags.target, {.fault = flags.fault});
  const Variants variants = variants_of(batch);
  RunOptions options;
  options.jobs = choice.jobs;
  options.case_limit = choice.case_limit;
  options.grade = [&batch, &variants](Target& target, const Variant& variant) {
    const ScenarioTask& task = batch.tasks[variants.index.at(variant.id)];
    return result_of("the subject died", [&] {
      return scenario::run_live(batch.scenarios[task.scenario], live_pcpus(), target, task.seed);
    });
  };
  return run_variants(choice.make, variants.all, options, progress);
}

}  // namespace

bool is_live(const RunFlags& flags) {
  return flags.target == "xen";
}

scenario::Scenario read_for(const RunFlags& flags, const fs::path& file) {
  return is_live(flags) ? scenario::read_live_scenario_file(file, live_pcpus()) : scenario::read_scenario_file(file);
}

void check_target(const RunFlags& flags) {
  if (is_live(flags)) {
    static_cast<void>(choose_target(flags.target, {.fault = flags.fault}));
  } else {
    static_cast<void>(scenario_core(flags));
  }
}

RunOutcome play_all(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress) {
  return is_live(flags) ? play_live(flags, batch, progress) : play_on_core(flags, batch, progress);
}

}  // namespace assay
