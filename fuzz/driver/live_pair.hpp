/// The two guests that make raw hypercalls on a hypervisor that runs by itself, and how it dies of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conformance/runner/worker_main.hpp"
#include "fuzz/targets/guests/calls.hpp"

namespace assay::fuzz {

class LivePair {
 public:
  explicit LivePair(Target& target) : target_(target) {}

  /// New guests. What the last ones called stays in `history` until they stand.
  void renew(uint64_t seed);
  /// Makes calls, but for most of those that would end their caller; how many.
  uint64_t play(const Calls& calls);
  /// Makes calls, all of them.
  void repeat(const Calls& calls);
  /// Throws TargetDied when the hypervisor does not go on, has broken an invariant of its own, or does not let go of
  /// these guests.
  void finish();
  /// Guests that still call.
  [[nodiscard]] size_t left() const;
  /// All calls of these guests.
  [[nodiscard]] const Calls& history() const { return history_; }

 private:
  [[nodiscard]] size_t caller_of(const Call& call) const { return call.actor % callers_.size(); }
  /// Calls of one guest; how many, and none are left.
  uint64_t make(Calls& row);

  Target& target_;
  std::vector<Caller> callers_;
  Calls history_;
  uint64_t last_words_ = 0;
};

/// Makes the calls on a machine of their own. How it dies of them; nothing when it bears them.
std::optional<std::string> death_of(const TargetFactory& make_target, const Calls& calls);

}  // namespace assay::fuzz
