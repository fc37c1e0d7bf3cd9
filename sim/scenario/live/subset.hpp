/// What of a scenario can be played on a Target: only what a toolstack can do and can see.
#pragma once

#include <filesystem>

#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

/// The pCPUs of a target that are not its privileged domain's: a scenario's pCPU n is `first` + n.
struct TargetPcpus {
  uint32_t first = 0;
  uint32_t count = 0;
};

/// Reads it as read_scenario_file does, and throws InputError with file:line:column for what the subset lacks, too.
Scenario read_live_scenario_file(const std::filesystem::path& path, const TargetPcpus& pcpus);
Scenario read_live_scenario(const std::string& name, std::string_view text, const TargetPcpus& pcpus);

}  // namespace assay::scenario
