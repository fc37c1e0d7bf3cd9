/// How pCPUs are interleaved inside the core while a scenario is played.
#pragma once

#include <memory>

#include "sim/engine/interleaving.hpp"
#include "sim/scenario/scenario.hpp"

namespace assay::scenario {

/// As the file says, or else as the seed chooses.
inline std::unique_ptr<SchedulePolicy> interleaving_of(const Scenario& scenario, uint64_t seed) {
  if (!scenario.interleaving) return interleaving_of_run(seed);
  const InterleavingSpec& spec = *scenario.interleaving;
  if (spec.changes) return pct_of_run(seed, *spec.changes);
  if (spec.one_in) return walk_of_run(seed, *spec.one_in);
  return std::make_unique<NeverSwitch>();
}

}  // namespace assay::scenario
