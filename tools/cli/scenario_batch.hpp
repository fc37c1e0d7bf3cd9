/// Scenarios and seeds, as the command line names them.
#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "conformance/runner/scenario_tasks.hpp"
#include "sim/scenario/image_folders.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {

struct ScenarioBatch : ScenarioTasks {
  std::vector<std::filesystem::path> files;  ///< of the scenarios, for messages
};

/// The core that the flags mean. InputError: there is no such core or fault.
std::filesystem::path scenario_core(const RunFlags& flags);

/// Whether the flags mean a running hypervisor, which plays what sim/scenario/live can.
bool is_live(const RunFlags& flags);
/// Where guest images may be, beside the scenario's own folder: those of --images, and that of this program.
scenario::ImageFolders image_folders(const RunFlags& flags);
/// InputError: what the flags mean is neither a core nor such a hypervisor.
void check_target(const RunFlags& flags);
/// InputError for what the target of the flags cannot play, too.
scenario::Scenario read_for(const RunFlags& flags, const std::filesystem::path& file);

/// How a worker gets the core that the flags mean.
TargetFactory scenario_factory(const RunFlags& flags);

/// One result per task. What broke, the same for the same cause, is in `console`; what else broke, in `notes`.
/// Once a result is `enough`, none that comes later in the batch is begun.
RunOutcome play_all(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress,
                    const std::function<bool(const CaseResult&)>& enough = {});

}  // namespace assay
