/// From a YAML file to a scenario that can be run.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "sim/scenario/image_folders.hpp"
#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

/// InputError with file:line:column for what cannot be read, is not known, or is not possible: topologies that do not
/// add up, pools that share a pCPU, negative times, expectations that nothing could ever meet or miss, workloads that
/// would go on without time passing, and guest images outside of `folders`: a scenario names no other files.
Scenario read_scenario(const std::string& name, std::string_view text, const ImageFolders& folders = {});
/// Images may also be taken from the folder of the file.
Scenario read_scenario_file(const std::filesystem::path& path, ImageFolders folders = {});

}  // namespace assay::scenario
