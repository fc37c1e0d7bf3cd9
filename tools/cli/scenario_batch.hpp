/// Scenarios and seeds, played in worker processes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/runner/runner.hpp"
#include "sim/scenario/scenario.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/scenario_picture.hpp"

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

/// One result per task. What broke, the same for the same cause, is in `console`; what else broke, in `notes`.
RunOutcome play_all(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress);

/// Draws one of them, in a worker process too: a core may die of it. Empty: it is drawn; otherwise why it is not.
std::string draw_one(const RunFlags& flags, const ScenarioBatch& batch, const ScenarioTask& task,
                     const PictureRequest& request);

}  // namespace assay
