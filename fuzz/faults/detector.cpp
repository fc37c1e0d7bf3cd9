#include "fuzz/faults/detector.hpp"

namespace assay {

RunOptions detector_options(uint64_t seed, unsigned jobs) {
  constexpr std::chrono::seconds kLimit{3};
  RunOptions options;
  options.jobs = jobs;
  options.seed = seed;
  options.case_limit = kLimit;
  options.start_limit = kLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  return options;
}

void must_have_ended(const RunOutcome& outcome) {
  if (outcome.interrupted) throw Interrupted{};
  if (!outcome.harness_fault.empty()) throw HarnessFault(outcome.harness_fault);
}

Detection said_by_boot(const RunOutcome& outcome) {
  if (outcome.unavailable.empty()) return {};
  return {.found = true, .verdict = "crash", .by = "boot", .message = outcome.unavailable};
}

}  // namespace assay
