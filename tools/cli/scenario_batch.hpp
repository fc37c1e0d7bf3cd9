/// Scenarios and seeds, played in worker processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/runner/runner.hpp"
#include "sim/scenario/scenario.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {

/// One seed of one scenario.
struct ScenarioTask {
  size_t scenario;
  uint64_t seed;
};

struct ScenarioBatch {
  std::vector<std::filesystem::path> files;  ///< of the scenarios, for messages
  std::vector<scenario::Scenario> scenarios;
  std::vector<ScenarioTask> tasks;
};

/// "pool-moves.seed7"
std::string id_of(const ScenarioBatch& batch, const ScenarioTask& task);

/// The core that the flags mean. InputError: there is no such core or fault.
std::filesystem::path scenario_core(const RunFlags& flags);

/// Whether the flags mean a running hypervisor, which plays what sim/scenario/live can.
bool is_live(const RunFlags& flags);
/// InputError: what the flags mean is neither a core nor such a hypervisor.
void check_target(const RunFlags& flags);
/// InputError for what the target of the flags cannot play, too.
scenario::Scenario read_for(const RunFlags& flags, const std::filesystem::path& file);

/// How a worker gets the core that the flags mean.
TargetFactory scenario_factory(const RunFlags& flags);

/// One result per task. What broke, the same for the same cause, is in `console`; what else broke, in `notes`.
RunOutcome play_all(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress);

}  // namespace assay
