#include "fuzz/faults/cases_detector.hpp"

#include <algorithm>
#include <utility>

#include "conformance/runner/runner.hpp"

namespace assay {
namespace {

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

/// Reading an argument back and beginning a call that ends later belong to the call: it is one operation, as it is one
/// in a sequence.
bool is_part_of_another(const CaseStep& step) {
  return (step.kind == "read" && step.text.starts_with("back ")) || step.text.ends_with(" begins");
}

}  // namespace

uint64_t operations_of(const std::vector<CaseStep>& steps) {
  uint64_t count = 0;
  for (const CaseStep& step : steps) {
    if (step.failed) break;
    if (!step.vcpu.empty() && !is_part_of_another(step)) count += step.repeats;
  }
  return count;
}

void CasesDetector::learn(const std::vector<std::optional<CaseResult>>& results) {
  if (std::exchange(in_order_of_length_, true)) return;
  std::vector<std::pair<uint64_t, size_t>> order;
  for (size_t i = 0; i < results.size(); ++i) order.emplace_back(operations_of(results[i]->steps), i);
  std::ranges::sort(order);
  std::vector<Variant> sorted;
  for (const auto& [operations, index] : order) {
    reach_.note(sorted.size(), results[index]->places_met);
    sorted.push_back(variants_[index]);
  }
  variants_ = std::move(sorted);
}

Detection CasesDetector::look(const Suspect& suspect) {
  const std::vector<Variant> variants = pick(variants_, reach_.tasks(suspect.place));
  RunOptions options = detector_options(seed_, jobs_);
  options.enough = [](size_t, const CaseResult& result) { return noticed(result); };
  RunObserver silent;
  const RunOutcome outcome = run_variants(suspect.make, variants, options, silent);
  must_have_ended(outcome);
  for (size_t i = 0; i < variants.size(); ++i) {
    if (outcome.results[i] && noticed(*outcome.results[i])) return describe(variants[i], *outcome.results[i]);
  }
  if (outcome.unavailable.empty() && !suspect.place) learn(outcome.results);
  return said_by_boot(outcome);
}

}  // namespace assay
