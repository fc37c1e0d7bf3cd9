#include "fuzz/sequence/property_check.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/sequence/play.hpp"
#include "fuzz/sequence/shrink.hpp"
#include "sim/engine/rng.hpp"

namespace assay::fuzz {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<GuestType> types_of(const Family& family) {
  switch (family.spec.guests) {
    case GuestTypes::kPv64:
    case GuestTypes::kDom0:
      return {GuestType::kPv64};
    case GuestTypes::kPvh:
      return {GuestType::kPvh};
    case GuestTypes::kBoth:
      break;
  }
  return {GuestType::kPv64, GuestType::kPvh};
}

size_t first_failing(const Task& task, const std::vector<Sequence>& sequences, const ShrinkSettings& settings) {
  std::vector<Task> tasks;
  for (const Sequence& sequence : sequences) tasks.push_back({task.family, task.type, sequence});
  RunObserver nobody;
  const TasksOutcome outcome = run_tasks(settings.make_target, tasks, Keep::kNothing, settings.options, nobody);
  const auto found =
      std::ranges::find_if(outcome.results, [](const auto& result) { return result && result->failed(); });
  return static_cast<size_t>(found - outcome.results.begin());
}

}  // namespace

std::vector<Task> tasks_of(const PropertyPlan& plan) {
  std::vector<Task> tasks;
  const Rng root(plan.seed);
  for (size_t i = 0; i < plan.sequences; ++i) {
    for (const Family* const family : plan.families) {
      for (const GuestType type : types_of(*family)) {
        const std::string stream = fmt::format("{}@{}#{}", family->name, to_string(type), i);
        tasks.push_back({family, type, generate(*family, root.fork(stream).next(), plan.length)});
      }
    }
  }
  return tasks;
}

Counterexample make_small(const Task& task, const TaskResult& failing, const ShrinkSettings& settings) {
  const auto start = Clock::now();
  Counterexample found{.task = task, .message = failing.message, .code = {}};
  // A subject that died has left no trace: then all of it is where to begin.
  if (!failing.played.empty()) found.task.sequence = failing.played;
  found.length_before = found.task.sequence.size();
  const auto goes_on = [&] { return Clock::now() - start < settings.limit; };
  const auto fails = [&](const std::vector<Sequence>& tried) { return first_failing(task, tried, settings); };
  const Shrunk shrunk = shrink(found.task.sequence, settings.batch, fails, goes_on);
  found.task.sequence = shrunk.sequence;
  found.tried = shrunk.tried;
  RunObserver nobody;
  const TasksOutcome last = run_tasks(settings.make_target, {found.task}, Keep::kCode, settings.options, nobody);
  const bool fails_again = last.results[0] && last.results[0]->failed();
  if (fails_again) {
    found.message = last.results[0]->message;
    found.code = last.results[0]->code;
  }
  found.is_minimal = shrunk.is_minimal && fails_again;
  found.spent = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
  return found;
}

size_t first_difference(const TaskResult& one, const TaskResult& two) {
  const auto [at, other] = std::ranges::mismatch(one.trace, two.trace);
  static_cast<void>(other);
  return static_cast<size_t>(at - one.trace.begin());
}

bool differ(const TaskResult& one, const TaskResult& two) {
  return one.failed() != two.failed() || one.trace != two.trace;
}

}  // namespace assay::fuzz
