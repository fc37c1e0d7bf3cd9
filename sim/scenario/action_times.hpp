/// When each action of a scenario happens.
#pragma once

#include <cstdint>
#include <map>

#include "sim/engine/rng.hpp"
#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

/// Since the beginning; what happens at the same time happens in the order of the file. Random moments are the rng's.
using ActionTimes = std::multimap<uint64_t, const Action*>;

ActionTimes action_times(const Scenario& scenario, const Rng& rng);

}  // namespace assay::scenario
