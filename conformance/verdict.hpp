/// What the grading of one case ends with.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace assay {

/// Ordered by severity: of several verdicts on one case the greatest sticks.
enum class Verdict : uint8_t {
  kPass,
  kSkip,          ///< the target lacks something that the case needs
  kInconclusive,  ///< the case ran and could not tell
  kFail,          ///< the subject is wrong
  kTimeout,       ///< the subject, or the case, did not come back
  kCrash,         ///< the subject died
  kError,         ///< the harness is wrong; also: no verdict at all
};
constexpr unsigned kVerdictCount = 7;

/// "pass", "skip", ...: the spelling of results.json and of expectation files.
std::string_view to_string(Verdict verdict);
std::optional<Verdict> verdict_from(std::string_view name);

constexpr Verdict worse(Verdict a, Verdict b) {
  return a < b ? b : a;
}

}  // namespace assay
