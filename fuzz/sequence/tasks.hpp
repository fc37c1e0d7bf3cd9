/// Many sequences on a target, each in a worker process that may die of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "conformance/runner/runner.hpp"
#include "fuzz/sequence/family.hpp"

namespace assay::fuzz {

struct Task {
  const Family* family;
  GuestType type;
  Sequence sequence;
};

struct TaskResult {
  Verdict verdict = Verdict::kError;
  std::string message;          ///< empty for a pass
  std::vector<uint64_t> trace;  ///< see Journal; as long as the operations that were played
  Sequence played;              ///< as it was, with literals
  std::vector<std::string> code;
  std::vector<uint32_t> places_met;  ///< Target::places_met
  [[nodiscard]] bool failed() const { return verdict > Verdict::kInconclusive; }
};

struct TasksOutcome {
  std::vector<std::optional<TaskResult>> results;
  RunOutcome run;  ///< without the results
};

/// As TaskResult has it, of a result that `enough` of the options is asked about; empty for a worker that died.
std::vector<uint64_t> trace_of(const CaseResult& result);

/// `options.grade` is replaced.
TasksOutcome run_tasks(const TargetFactory& make_target, const std::vector<Task>& tasks, Keep keep, RunOptions options,
                       RunObserver& observer);

/// "events@pv64: send@0(3) close@1(0)", which --play takes.
std::string to_text(const Task& task);
/// Throws std::invalid_argument that says what is wrong.
Task task_from_text(std::string_view text);

}  // namespace assay::fuzz
