/// The machine that a scenario needs: as large as its domains, with a pCPU more for the privileged domain.
#pragma once

#include <filesystem>
#include <string>

#include "sim/scenario/scenario.hpp"
#include "sim/target/host/target_host.hpp"

namespace assay::scenario {

HostOptions host_options(const Scenario& scenario, const std::filesystem::path& core, const std::string& command_line);

}  // namespace assay::scenario
