/// From a YAML file to a scenario that can be run.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

/// InputError with file:line:column for what cannot be read, is not known, or is not possible: topologies that do not
/// add up, pools that share a pCPU, negative times, expectations that nothing could ever meet or miss, workloads that
/// would go on without time passing. A scenario names no files.
Scenario read_scenario(const std::string& name, std::string_view text);
Scenario read_scenario_file(const std::filesystem::path& path);

}  // namespace assay::scenario
