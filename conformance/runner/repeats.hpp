/// Failures on subjects that cannot repeat themselves bit for bit: which are played again, and what comes of the tries.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "conformance/runner/case_result.hpp"

namespace assay {

/// Whether one seed makes one run of this target, to the last bit. Where time is simulated nothing is left that could
/// differ; elsewhere the load of the host and the subject's own races have a say.
bool repeats_itself(const TargetInfo& target);

struct RepeatOptions {
  unsigned more = 0;  ///< tries after the first that failed; 0: none
  /// A failure for which this is true stays as it is. Empty: none is expected.
  std::function<bool(size_t index, Verdict verdict)> is_expected;
  /// Each try takes a fresh start. A subject with more failures than this is wrong, and not just unsteady: those that
  /// come later are not played again.
  static constexpr size_t kCasesMax = 20;
};

class Repeats {
 public:
  explicit Repeats(RepeatOptions options) : options_(std::move(options)) {}

  /// One more try of a variant. Returns what came of all its tries, or nothing when it is to be played again, on a
  /// fresh start.
  std::optional<CaseResult> add(const TargetInfo& target, size_t index, CaseResult result);
  /// What is known of variants that were to be played again when the run ended.
  std::vector<std::pair<size_t, CaseResult>> rest();

 private:
  [[nodiscard]] bool failed(size_t index, Verdict verdict) const;
  [[nodiscard]] bool is_to_repeat(const TargetInfo& target, size_t index, const CaseResult& result) const;

  RepeatOptions options_;
  std::map<size_t, CaseResult> open_;  ///< the first failure, and the count of tries so far
  size_t cases_ = 0;                   ///< played more than once, so far
};

}  // namespace assay
