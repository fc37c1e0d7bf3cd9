#include "fuzz/faults/differential_detector.hpp"

#include <algorithm>
#include <chrono>
#include <functional>

#include "fuzz/sequence/shorten.hpp"

namespace assay {
namespace {

using Clock = std::chrono::steady_clock;
using fuzz::Sequence;
using fuzz::Task;
using fuzz::TaskResult;

constexpr size_t kShrinkBatch = 32;

std::vector<std::optional<TaskResult>> results_on(const TargetFactory& make_target, const std::vector<Task>& tasks,
                                                  const RunOptions& options) {
  RunObserver silent;
  fuzz::TasksOutcome outcome = fuzz::run_tasks(make_target, tasks, fuzz::Keep::kNothing, options, silent);
  must_have_ended(outcome.run);
  return std::move(outcome.results);
}

/// Up to the operation that came out otherwise, with literals as far as it was played.
Task up_to_difference(const Task& task, const Trace& reference, const TaskResult& result) {
  Task shorter = task;
  std::ranges::copy(result.played, shorter.sequence.begin());
  const auto at = first_difference(reference, result.trace);
  // A worker that died has left no trace: then all of it is where to begin.
  if (at && !result.trace.empty()) shorter.sequence.resize(*at + 1);
  return shorter;
}

}  // namespace

Detection DifferentialDetector::look(const Suspect& suspect) {
  const std::vector<size_t> played = reach_.tasks(suspect.place);
  RunOptions options = detector_options(seed_, jobs_);
  options.enough = [&](size_t index, const CaseResult& result) {
    return first_difference(reference_.traces()[played[index]], fuzz::trace_of(result)).has_value();
  };
  RunObserver silent;
  const fuzz::TasksOutcome outcome =
      fuzz::run_tasks(suspect.make, pick(reference_.tasks(), played), fuzz::Keep::kNothing, options, silent);
  must_have_ended(outcome.run);
  for (size_t i = 0; i < outcome.results.size(); ++i) {
    const auto& result = outcome.results[i];
    if (result && first_difference(reference_.traces()[played[i]], result->trace)) {
      return describe(suspect.make, played[i], *result);
    }
  }
  if (outcome.run.unavailable.empty() && !suspect.place) reach_.learn(outcome.results);
  return said_by_boot(outcome.run);
}

Detection DifferentialDetector::describe(const TargetFactory& make_target, size_t index, const TaskResult& result) {
  const Task sure = up_to_difference(reference_.tasks()[index], reference_.traces()[index], result);
  Unsettled found{.small = sure, .trace = result.trace, .sure = sure};
  const RunOptions options = detector_options(seed_, jobs_);
  const std::function<size_t(const std::vector<Sequence>&)> first_failing = [&](const auto& tried) {
    std::vector<Task> tasks;
    for (const Sequence& sequence : tried) tasks.push_back({sure.family, sure.type, sequence});
    const auto right = results_on(stand_in_, tasks, options);
    const auto wrong = results_on(make_target, tasks, options);
    for (size_t i = 0; i < tasks.size(); ++i) {
      if (!right[i] || !wrong[i] || !first_difference(right[i]->trace, wrong[i]->trace)) continue;
      found.trace = wrong[i]->trace;
      return i;
    }
    return tried.size();
  };
  const auto until = Clock::now() + kShrinkLimit;
  const std::function<bool()> goes_on = [&] { return Clock::now() < until; };
  fuzz::Shortening<fuzz::Operation> shortening(sure.sequence, kShrinkBatch, first_failing, goes_on);
  while (shortening.take_out()) {
  }
  found.small.sequence = shortening.shortest();
  const Detection detection{.found = true,
                            .verdict = std::string(to_string(std::max(result.verdict, Verdict::kFail))),
                            .by = to_text(found.small),
                            .message = result.trace.empty() ? result.message : "comes out otherwise on the reference",
                            .steps = found.small.sequence.size()};
  unsettled_[detection.by].push_back(std::move(found));
  return detection;
}

std::vector<std::optional<Trace>> DifferentialDetector::last_word(const std::vector<Task>& tasks) const {
  try {
    return reference_.play(tasks);
  } catch (const TargetUnavailable&) {
    return std::vector<std::optional<Trace>>(tasks.size());
  }
}

void DifferentialDetector::settle(const std::vector<Detection*>& found) {
  std::vector<Task> tasks;
  std::vector<std::pair<Detection*, Unsettled>> asked;
  for (Detection* const detection : found) {
    const auto at = unsettled_.find(detection->by);
    if (at == unsettled_.end() || at->second.empty()) continue;
    tasks.push_back(at->second.front().small);
    asked.emplace_back(detection, std::move(at->second.front()));
    at->second.pop_front();
  }
  if (tasks.empty()) return;
  const auto traces = last_word(tasks);
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto& [detection, unsettled] = asked[i];
    if (traces[i] && first_difference(*traces[i], unsettled.trace)) continue;
    detection->by = to_text(unsettled.sure);
    detection->steps = unsettled.sure.sequence.size();
  }
}

}  // namespace assay
