/// Waiting on the target's own clock.
#pragma once

#include <cstdint>
#include <string_view>

#include "conformance/context.hpp"

namespace assay {

/// What must happen gets this long. Generous: it costs nothing when the hypervisor is right.
constexpr uint64_t kLongNs = 5'000'000'000;
/// How long a case watches that something does not happen.
constexpr uint64_t kWatchNs = 5'000'000;

/// A delay that no clock error hides, see below.
constexpr uint64_t kDelayNs = 50'000'000;

/// How far a guest's clock may be off the hypervisor's own: it runs on from the last time record, and a hypervisor
/// under emulation on a busy host calibrates its clocks across pauses of milliseconds (0.5 ms was exceeded once in five
/// runs of the suite at a load of 10). Nothing may happen earlier than its deadline by more than this; nothing at all
/// where time is simulated.
inline uint64_t clock_error_ns(CaseContext& c) {
  constexpr uint64_t kErrorNs = 20'000'000;
  return c.target().has(Capability::kVirtualTime) ? 0 : kErrorNs;
}

/// Checks that a deadline, an absolute system time, has passed on the clock of `vcpu`.
inline void check_passed(CaseContext& c, Vcpu& vcpu, uint64_t deadline_ns, std::string_view what) {
  const uint64_t now_ns = vcpu.time_ns();
  if (c.check(now_ns + clock_error_ns(c) >= deadline_ns, what)) return;
  c.note("the guest's clock says " + show(now_ns) + ", the deadline is " + show(deadline_ns));
}

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
