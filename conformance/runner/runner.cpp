#include "conformance/runner/runner.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "conformance/runner/grade_case.hpp"
#include "conformance/runner/interruption.hpp"
#include "conformance/runner/worker.hpp"

namespace assay {
namespace {

using Clock = Worker::Clock;

constexpr std::chrono::milliseconds kTick{100};
constexpr unsigned kDyingMs = 2000;       // for a worker whose pipe has closed to be gone
constexpr unsigned kFailedStartsMax = 3;  // in a row, after the target has been there once

std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos) return "";
  const size_t before = text.find_last_of('\n', end);
  const size_t start = before == std::string::npos ? 0 : before + 1;
  return text.substr(start, end + 1 - start);
}

class Run {
 public:
  Run(const TargetFactory& make_target, const std::vector<Variant>& variants, const RunOptions& options,
      RunObserver& observer)
      : make_target_(make_target),
        variants_(variants),
        options_(options),
        observer_(observer),
        repeats_(options.repeat) {
    if (!options_.grade) {
      options_.grade = [seed = options.seed](Target& target, const Variant& variant) {
        return grade_case(target, variant, seed);
      };
    }
    outcome_.results.resize(variants.size());
    begin_max_ = variants.size();
  }

  RunOutcome go() {
    const auto start = Clock::now();
    const size_t jobs = std::min<size_t>(std::max(options_.jobs, 1u), variants_.size());
    try {
      while (workers_.size() < jobs) workers_.push_back(make_worker());
      while (done_ < begin_max_ && !stopped()) turn();
    } catch (const HarnessFault& fault) {
      outcome_.harness_fault = fault.what();
    }
    for (auto& worker : workers_) {
      if (!stopped()) worker->dismiss();
    }
    workers_.clear();
    for (auto& [index, result] : repeats_.rest()) record(index, std::move(result));
    outcome_.duration = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start);
    return std::move(outcome_);
  }

 private:
  [[nodiscard]] bool stopped() const {
    return outcome_.interrupted || !outcome_.unavailable.empty() || !outcome_.harness_fault.empty();
  }

  std::unique_ptr<Worker> make_worker() {
    std::vector<int> others{interruption_.fd()};
    for (const auto& worker : workers_) {
      if (!worker) continue;
      const std::vector<int> fds = worker->fds();
      others.insert(others.end(), fds.begin(), fds.end());
    }
    return std::make_unique<Worker>(make_target_, variants_, options_.grade, others,
                                    Clock::now() + options_.start_limit);
  }

  /// One round: wait for something, deal with it, hand out work.
  void turn() {
    std::vector<pollfd> polled{{interruption_.fd(), POLLIN, 0}};
    for (const auto& worker : workers_) polled.push_back({worker->result_fd(), POLLIN, 0});
    ::poll(polled.data(), polled.size(), static_cast<int>(time_left().count()));
    if (polled[0].revents != 0) {
      outcome_.interrupted = true;
      return;
    }
    // Dealing with one worker may replace it, in its place, or leave the place empty.
    for (size_t i = 0; i < workers_.size() && !stopped(); ++i) {
      if (polled[i + 1].revents != 0) {
        serve(workers_[i]);
      } else if (Clock::now() >= workers_[i]->deadline() && !may_go_on(*workers_[i])) {
        overdue(workers_[i]);
      }
    }
    std::erase(workers_, nullptr);
    if (Clock::now() - last_tick_ >= kTick) {
      last_tick_ = Clock::now();
      observer_.on_tick();
    }
  }

  [[nodiscard]] std::chrono::milliseconds time_left() const {
    Clock::time_point until = Clock::now() + kTick;
    for (const auto& worker : workers_) until = std::min(until, worker->deadline());
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    return std::max(left, std::chrono::milliseconds(0));
  }

  void serve(std::unique_ptr<Worker>& worker) {
    Frame frame{};
    FrameReader::Status status = worker->frames().read(frame);
    while (status == FrameReader::Status::kFrame) {
      if (!accept(*worker, frame)) {
        insane(worker);
        return;
      }
      if (stopped()) return;
      if (worker->idle() && !again_.empty()) {
        start_afresh(worker);
        return;
      }
      status = worker->frames().next(frame);
    }
    if (status == FrameReader::Status::kGarbage) insane(worker);
    if (status == FrameReader::Status::kClosed) died(worker);
  }

  /// False when the message makes no sense at this point.
  bool accept(Worker& worker, const Frame& frame) {
    try {
      switch (frame.kind) {
        case FrameKind::kReady:
          return worker.starting() && ready(worker, decode_target_info(frame.payload));
        case FrameKind::kResult:
          return worker.variant() && result(worker, decode_result(frame.payload));
        case FrameKind::kUnavailable:
          return worker.starting() && not_started(outcome_.unavailable, frame.payload);
        case FrameKind::kHarnessFault:
          return worker.starting() && not_started(outcome_.harness_fault, frame.payload);
        case FrameKind::kRun:
          break;
      }
    } catch (const std::exception&) {
      // A frame that is whole but cannot be decoded is garbage too.
    }
    return false;
  }

  bool ready(Worker& worker, TargetInfo info) {
    if (!was_ready_) {
      outcome_.target = std::move(info);
      observer_.on_target(outcome_.target);
    }
    was_ready_ = true;
    failed_starts_ = 0;
    worker.became_idle();
    if (again_.empty()) {
      hand_out(worker);
    } else {
      worker.run(again_.front(), Clock::now() + options_.case_limit);
      again_.pop_front();
    }
    return true;
  }

  bool result(Worker& worker, CaseResult&& got) {
    outcome_.restarts += got.boots;
    take(*worker.variant(), std::move(got));
    worker.became_idle();
    if (again_.empty()) hand_out(worker);
    return true;
  }

  static bool not_started(std::string& where, const std::string& why) {
    where = why.empty() ? "no reason given" : why;
    return true;
  }

  void hand_out(Worker& worker) {
    if (next_ < begin_max_) worker.run(next_++, Clock::now() + options_.case_limit);
  }

  /// The result of a variant, or one try of it: then it is played again by a worker that has played nothing yet.
  void take(size_t index, CaseResult got) {
    if (auto all = repeats_.add(outcome_.target, index, std::move(got))) {
      record(index, std::move(*all));
    } else {
      again_.push_back(index);
    }
  }

  void record(size_t index, CaseResult result) {
    outcome_.results[index] = std::move(result);
    ++done_;
    if (options_.enough && options_.enough(index, *outcome_.results[index])) begin_max_ = next_;
    observer_.on_result(index, *outcome_.results[index]);
  }

  void died(std::unique_ptr<Worker>& worker) {
    const std::string how = worker->end(kDyingMs);
    const std::string log = worker->log();
    const std::string line = last_line(log);
    bury(worker, worker->ended_by_signal() ? Verdict::kCrash : Verdict::kError,
         fmt::format("worker {}{}{}", how, line.empty() ? "" : ": ", line), log);
  }

  [[nodiscard]] std::chrono::milliseconds limit_of(const Worker& worker) const {
    return worker.starting() ? options_.start_limit : options_.case_limit;
  }

  /// True, and it has a later deadline, when the machine did not let it compute for as long as it may.
  bool may_go_on(Worker& worker) const {
    const auto limit = limit_of(worker);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - worker.processor_time());
    const bool is_asleep = Clock::now() >= worker.began() + RunOptions::kSleepersWait * limit;
    if (options_.limits_count == LimitsCount::kHostTime || left.count() <= 0 || is_asleep) return false;
    worker.extend(Clock::now() + left);
    return true;
  }

  void overdue(std::unique_ptr<Worker>& worker) {
    const auto limit = limit_of(*worker);
    const auto* counted = options_.limits_count == LimitsCount::kHostTime ? "the host's" : "processor";
    worker->end(0);
    const std::string log = worker->log();
    bury(worker, Verdict::kTimeout, fmt::format("no end after {} ms of {} time", limit.count(), counted), log);
  }

  void insane(std::unique_ptr<Worker>& worker) {
    worker->end(0);
    const std::string log = worker->log();
    bury(worker, Verdict::kError, "the worker sent something that is no message", log);
  }

  /// Gives the variant that a worker was grading its verdict, and puts another worker in its place.
  void bury(std::unique_ptr<Worker>& worker, Verdict verdict, const std::string& message, const std::string& log) {
    ++outcome_.restarts;
    if (const auto index = worker->variant()) {
      const auto spent = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - worker->began());
      take(*index, {.verdict = verdict,
                    .message = message,
                    .notes = {},
                    .console = "",
                    .evidence = log,
                    .steps = {},
                    .duration_us = static_cast<uint64_t>(spent.count())});
    } else if (worker->starting()) {
      if (!was_ready_ || ++failed_starts_ >= kFailedStartsMax) {
        outcome_.unavailable = fmt::format("while the target was starting: {}", message);
        return;
      }
    }
    worker.reset();
    if (next_ < begin_max_ || !again_.empty()) worker = make_worker();
  }

  void start_afresh(std::unique_ptr<Worker>& worker) {
    worker->dismiss();
    worker.reset();
    worker = make_worker();
  }

  const TargetFactory& make_target_;
  const std::vector<Variant>& variants_;
  RunOptions options_;
  RunObserver& observer_;
  Repeats repeats_;
  RunOutcome outcome_;
  Interruption interruption_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::deque<size_t> again_;  ///< variants that wait for a fresh start
  size_t next_ = 0;
  size_t begin_max_ = 0;  ///< variants from here on are not begun
  size_t done_ = 0;
  bool was_ready_ = false;
  unsigned failed_starts_ = 0;
  Clock::time_point last_tick_{};
};

}  // namespace

RunOutcome run_variants(const TargetFactory& make_target, const std::vector<Variant>& variants,
                        const RunOptions& options, RunObserver& observer) {
  return Run(make_target, variants, options, observer).go();
}

}  // namespace assay
