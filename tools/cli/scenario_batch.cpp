#include "tools/cli/scenario_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
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

using Enough = std::function<bool(const CaseResult&)>;

/// None: nothing is.
std::function<bool(size_t, const CaseResult&)> of_any_index(const Enough& enough) {
  if (!enough) return {};
  return [enough](size_t, const CaseResult& result) { return enough(result); };
}

RunOutcome play_in_process(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress,
                           const Enough& enough) {
  RunOptions options;
  options.enough = of_any_index(enough);
  options.jobs = flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
  options.case_limit = kSeedLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  return play_tasks(scenario_factory(flags), batch, play_on_core, options, progress);
}

/// Of target xen, beside the privileged domain's.
scenario::TargetPcpus live_pcpus() {
  const XenOptions options;
  return {options.dom0_vcpus, options.pcpus - options.dom0_vcpus};
}

RunOutcome play_live(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress, const Enough& enough) {
  const TargetChoice choice = choose_target(flags.target, {.fault = flags.fault});
  RunOptions options;
  options.enough = of_any_index(enough);
  options.jobs = choice.jobs;
  options.case_limit = choice.case_limit;
  options.repeat.more = GradeFlags{}.repeat_failures;
  const ScenarioGrader grade = [](Target& target, const scenario::Scenario& scenario, uint64_t seed) {
    return result_of("the subject died", [&] { return scenario::run_live(scenario, live_pcpus(), target, seed); });
  };
  return play_tasks(choice.make, batch, grade, options, progress);
}

}  // namespace

scenario::ImageFolders image_folders(const RunFlags& flags) {
  scenario::ImageFolders folders(flags.images.begin(), flags.images.end());
  folders.push_back(program_folder());
  return folders;
}

bool is_live(const RunFlags& flags) {
  return flags.target == "xen";
}

scenario::Scenario read_for(const RunFlags& flags, const fs::path& file) {
  if (is_live(flags)) return scenario::read_live_scenario_file(file, live_pcpus());
  return scenario::read_scenario_file(file, image_folders(flags));
}

void check_target(const RunFlags& flags) {
  if (is_live(flags)) {
    static_cast<void>(choose_target(flags.target, {.fault = flags.fault}));
  } else {
    static_cast<void>(scenario_core(flags));
  }
}

RunOutcome play_all(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress, const Enough& enough) {
  return is_live(flags) ? play_live(flags, batch, progress, enough) : play_in_process(flags, batch, progress, enough);
}

}  // namespace assay
