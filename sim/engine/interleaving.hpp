/// Interleavings by number: all it takes to see one again.
#pragma once

#include <cstdint>
#include <memory>

#include "sim/engine/policy.hpp"

namespace assay {

/// Kinds of schedules, from the one with the fewest switches on.
enum class InterleavingKind : uint8_t { kPctDepth2, kPctDepth3, kWalk, kWalkToo };
constexpr uint64_t kInterleavingKinds = 4;
constexpr InterleavingKind kind_of_interleaving(uint64_t number) {
  return static_cast<InterleavingKind>(number % kInterleavingKinds);
}

/// The number chooses the kind, how often pCPUs change places, and where.
std::unique_ptr<SchedulePolicy> interleaving(uint64_t number);

constexpr uint64_t kWaysOfRuns = 4;
/// Nobody leaves the core in the middle then.
constexpr bool is_steered_run(uint64_t number) {
  return number % kWaysOfRuns != 0;
}
/// For a whole run, in which there are many thousands of scheduling points: three of four numbers choose a random walk
/// or Pct and its pace, the fourth none, so that what needs no race shows as well.
std::unique_ptr<SchedulePolicy> interleaving_of_run(uint64_t number);

}  // namespace assay
