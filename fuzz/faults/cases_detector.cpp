#include "fuzz/faults/cases_detector.hpp"

#include <fmt/format.h>

#include "conformance/runner/runner.hpp"

namespace assay {
namespace {

/// Of the host's time. A case takes milliseconds in process; what takes seconds hangs.
constexpr std::chrono::seconds kCaseLimit{3};

/// The bundled core can do all that cases need: one that is skipped has been kept from running.
bool noticed(const CaseResult& result) {
  return result.verdict != Verdict::kPass;
}

Detection describe(const Variant& variant, const CaseResult& result) {
  return {.found = true,
          .verdict = std::string(to_string(result.verdict)),
          .by = variant.id,
          .message = result.notes.empty() ? result.message : result.notes.front(),
          .steps = operations_of(result.steps)};
}

}  // namespace

uint64_t operations_of(const std::vector<CaseStep>& steps) {
  uint64_t count = 0;
  for (const CaseStep& step : steps) {
    if (step.failed) break;
    if (!step.vcpu.empty()) count += step.repeats;
  }
  return count;
}

Detection CasesDetector::look(const TargetFactory& make_target) {
  RunOptions options;
  options.jobs = jobs_;
  options.seed = seed_;
  options.case_limit = kCaseLimit;
  options.start_limit = kCaseLimit;
  options.enough = noticed;
  RunObserver silent;
  const RunOutcome outcome = run_variants(make_target, variants_, options, silent);
  if (outcome.interrupted) throw Interrupted{};
  if (!outcome.harness_fault.empty()) throw HarnessFault(outcome.harness_fault);
  for (size_t i = 0; i < variants_.size(); ++i) {
    if (outcome.results[i] && noticed(*outcome.results[i])) return describe(variants_[i], *outcome.results[i]);
  }
  if (outcome.unavailable.empty()) return {};
  return {.found = true, .verdict = "crash", .by = "boot", .message = outcome.unavailable};
}

}  // namespace assay
