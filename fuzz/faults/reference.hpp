/// What a target that is right by definition, the real Xen, made of some sequences: taken once, compared often.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fuzz/sequence/tasks.hpp"

namespace assay {

/// Where to play, and how.
struct ReferenceTarget {
  TargetFactory make;
  RunOptions options;
};

using Trace = std::vector<uint64_t>;

class Reference {
 public:
  /// Plays seeded sequences of every family but races, in which order is nobody's promise, and keeps the traces of
  /// those that came to their end. Throws TargetUnavailable, Interrupted and HarnessFault.
  Reference(ReferenceTarget target, uint64_t seed, size_t sequences, size_t length);

  [[nodiscard]] const std::vector<fuzz::Task>& tasks() const { return tasks_; }
  /// Of each of the tasks.
  [[nodiscard]] const std::vector<Trace>& traces() const { return traces_; }
  /// What it makes of others; none of those that died.
  [[nodiscard]] std::vector<std::optional<Trace>> play(const std::vector<fuzz::Task>& tasks) const;

 private:
  ReferenceTarget target_;
  std::vector<fuzz::Task> tasks_;
  std::vector<Trace> traces_;
};

/// The operation, counted from 0, after which a core that left `trace` is not where the reference was; nothing when it
/// always was. One that stopped earlier differs where it stopped.
std::optional<size_t> first_difference(const Trace& reference, const Trace& trace);

}  // namespace assay
