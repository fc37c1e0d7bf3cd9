/// Interleavings by number: all it takes to see one again.
#pragma once

#include <cstdint>
#include <memory>

#include "sim/engine/policy.hpp"

namespace assay {

/// The number chooses the kind of schedule, how often pCPUs change places in it, and where: half of them are random
/// walks, a quarter Pct of depth 2 and a quarter of depth 3.
std::unique_ptr<SchedulePolicy> interleaving(uint64_t number);

}  // namespace assay
