/// Grades many variants in worker processes, and survives whatever a subject does to them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/repeats.hpp"
#include "conformance/runner/worker_main.hpp"

namespace assay {

/// What the limits of a run count.
enum class LimitsCount : uint8_t {
  kHostTime,
  kProcessorTime,  ///< of the worker process: another load of the machine makes no timeout
};

struct RunOptions {
  unsigned jobs = 1;
  uint64_t seed = 1;
  /// What workers do with a variant; empty: grade_case with `seed`.
  Grader grade;
  /// For one case; beyond it the worker is killed and the verdict is TIMEOUT.
  std::chrono::milliseconds case_limit{60'000};
  /// For making the target.
  std::chrono::milliseconds start_limit{180'000};
  /// Processor time is for subjects that compute in the worker itself. One that sleeps instead is ended when
  /// `kSleepersWait` times the limit has passed.
  LimitsCount limits_count = LimitsCount::kHostTime;
  static constexpr int kSleepersWait = 20;
  /// What is played again. A result is one of all tries; it comes when the last of them is over.
  RepeatOptions repeat{};
  /// After a result, with the index of its variant, for which this is true no further variant begins; those under way
  /// are waited for. All variants before it in the order given have their results then. Empty: never.
  std::function<bool(size_t index, const CaseResult& result)> enough;
};

/// Told of everything as it happens, in the order in which it happens.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_target(const TargetInfo& /*info*/) {}
  virtual void on_result(size_t /*index*/, const CaseResult& /*result*/) {}
  /// About ten times a second.
  virtual void on_tick() {}
};

struct RunOutcome {
  /// One per variant, in the order given; empty only for those that an interruption, a missing target or `enough` left
  /// undone.
  std::vector<std::optional<CaseResult>> results;
  TargetInfo target;
  bool interrupted = false;   ///< SIGINT, SIGTERM or SIGHUP
  std::string unavailable;    ///< why the target could not be had at all
  std::string harness_fault;  ///< why the harness could not go on
  unsigned restarts = 0;      ///< workers replaced, and fresh boots within workers
  std::chrono::microseconds duration{0};
};

RunOutcome run_variants(const TargetFactory& make_target, const std::vector<Variant>& variants,
                        const RunOptions& options, RunObserver& observer);

}  // namespace assay
