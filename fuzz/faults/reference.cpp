#include "fuzz/faults/reference.hpp"

#include <algorithm>

#include "fuzz/faults/detector.hpp"
#include "fuzz/sequence/property_check.hpp"

namespace assay {
namespace {

std::vector<fuzz::Task> comparable_tasks(uint64_t seed, size_t sequences, size_t length) {
  fuzz::PropertyPlan plan{.families = {}, .seed = seed, .sequences = sequences, .length = length};
  std::ranges::copy_if(fuzz::families(), std::back_inserter(plan.families), fuzz::is_comparable);
  return fuzz::tasks_of(plan);
}

}  // namespace

Reference::Reference(ReferenceTarget target, uint64_t seed, size_t sequences, size_t length)
    : target_(std::move(target)) {
  const std::vector<fuzz::Task> all = comparable_tasks(seed, sequences, length);
  const auto traces = play(all);
  for (size_t i = 0; i < all.size(); ++i) {
    if (!traces[i] || traces[i]->size() != all[i].sequence.size()) continue;
    tasks_.push_back(all[i]);
    traces_.push_back(*traces[i]);
  }
}

std::vector<std::optional<Trace>> Reference::play(const std::vector<fuzz::Task>& tasks) const {
  RunObserver silent;
  const fuzz::TasksOutcome outcome =
      fuzz::run_tasks(target_.make, tasks, fuzz::Keep::kNothing, target_.options, silent);
  must_have_ended(outcome.run);
  if (!outcome.run.unavailable.empty()) throw TargetUnavailable(outcome.run.unavailable);
  std::vector<std::optional<Trace>> traces;
  for (const auto& result : outcome.results) {
    traces.push_back(result && !result->trace.empty() ? std::optional(result->trace) : std::nullopt);
  }
  return traces;
}

std::optional<size_t> first_difference(const Trace& reference, const Trace& trace) {
  const size_t same = static_cast<size_t>(std::ranges::mismatch(reference, trace).in1 - reference.begin());
  return same == reference.size() ? std::nullopt : std::optional(same);
}

}  // namespace assay
