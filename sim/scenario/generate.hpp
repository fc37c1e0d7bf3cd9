/// Scenarios that nobody wrote: machines of every size with whatever a seed puts on them.
#pragma once

#include <cstdint>
#include <string>

namespace assay::scenario {

/// A scenario file, the same for the same seed: 1 to 255 pCPUs, in pools of their own schedulers, domains with
/// workloads that fit the pools, actions and faults. Whatever is in it, every promise holds that is watched in each
/// run, and those that it expects.
std::string generate_scenario(uint64_t seed);

}  // namespace assay::scenario
