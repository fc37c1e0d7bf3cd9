/// Waiting on the target's own clock.
#pragma once

#include <cstdint>

#include "conformance/context.hpp"

namespace assay {

/// What must happen gets this long. Generous: it costs nothing when the hypervisor is right.
constexpr uint64_t kLongNs = 5'000'000'000;
/// How long a case watches that something does not happen.
constexpr uint64_t kWatchNs = 5'000'000;

/// Looks at `condition` until it holds; false when it does not within kLongNs of target time.
template <typename Condition>
bool wait_until(CaseContext& c, Condition condition) {
  constexpr uint64_t kStepNs = 50'000;
  for (uint64_t waited = 0; waited < kLongNs; waited += kStepNs) {
    if (condition()) return true;
    c.target().pass_time(kStepNs);
  }
  return condition();
}

}  // namespace assay
