/// A scenario, once, on a running hypervisor: the subset of subset.hpp, in the hypervisor's own time.
#pragma once

#include "sim/scenario/live/subset.hpp"
#include "sim/scenario/scenario_run.hpp"
#include "sim/target/target.hpp"

namespace assay::scenario {

/// Leaves the target as begin_case made it. An expectation that is missed by no more than what the machine's own
/// pauses can explain makes the outcome inconclusive. The evidence has what was measured, whatever the outcome.
/// Throws TargetDied.
Outcome run_live(const Scenario& scenario, const TargetPcpus& pcpus, Target& target, uint64_t seed);

}  // namespace assay::scenario
