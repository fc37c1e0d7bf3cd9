/// Interleavings by number: all it takes to see one again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

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

/// What such a number chooses, so that less of it can be tried: the points at which Pct changes priorities, or that a
/// walk goes elsewhere at one point in so many. At most one of them.
struct RunChoice {
  std::optional<std::vector<uint64_t>> changes;
  std::optional<uint64_t> one_in;
};
RunChoice choice_of_run(uint64_t number);
/// Pct with the number's priorities and these changes: with those that it chooses itself, the same interleaving.
std::unique_ptr<SchedulePolicy> pct_of_run(uint64_t number, std::vector<uint64_t> changes);
/// The number's walk at this pace.
std::unique_ptr<SchedulePolicy> walk_of_run(uint64_t number, uint64_t one_in);

}  // namespace assay
