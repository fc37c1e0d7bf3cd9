#include "sim/scenario/live/live_share.hpp"

#include <fmt/format.h>

#include "sim/scenario/units.hpp"

namespace assay::scenario {

ShareVerdict judge(const LiveShare& measured, const Expectation& expected) {
  const uint64_t share = measured.share();
  if (measured.window_ns == 0) return ShareVerdict::kCannotTell;
  if (share >= expected.at_least && share <= expected.at_most) return ShareVerdict::kMet;
  const uint64_t missed_by = share < expected.at_least ? expected.at_least - share : share - expected.at_most;
  return missed_by <= measured.unsure() ? ShareVerdict::kCannotTell : ShareVerdict::kMissed;
}

std::string show(const LiveShare& measured) {
  return fmt::format("{} of a pCPU in {} ms, unsure by {}", show_percent(measured.share()),
                     measured.window_ns / kNsPerMs, show_percent(measured.unsure()));
}

}  // namespace assay::scenario
