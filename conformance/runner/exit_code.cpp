#include "conformance/runner/exit_code.hpp"

#include <algorithm>
#include <array>

namespace assay {

ExitCode exit_code(const Results& results) {
  bool unexpected = false;
  bool harness = false;
  bool inconclusive = false;
  for (const ReportedCase& reported : results.cases) {
    if (reported.expected) continue;
    harness = harness || reported.verdict == Verdict::kError;
    inconclusive = inconclusive || reported.verdict == Verdict::kInconclusive;
    unexpected = unexpected || reported.verdict != Verdict::kInconclusive;
  }
  const Summary summary = summarise(results);
  if (harness) return kExitHarness;
  if (unexpected) return kExitUnexpected;
  const uint64_t told_nothing = summary[Verdict::kSkip] + summary[Verdict::kInconclusive];
  if (inconclusive || summary.total() == told_nothing) return kExitInconclusive;
  return kExitExpected;
}

ExitCode worst(ExitCode a, ExitCode b) {
  constexpr std::array kMildestFirst{kExitExpected, kExitInconclusive, kExitUnavailable, kExitUnexpected,
                                     kExitBadInput, kExitHarness,      kExitInterrupted};
  const auto rank = [&](ExitCode code) { return std::find(kMildestFirst.begin(), kMildestFirst.end(), code); };
  return rank(a) < rank(b) ? b : a;
}

}  // namespace assay
