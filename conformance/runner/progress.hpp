/// How far a run is: one line that changes on a terminal, a line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdio>
#include <string>

#include "conformance/runner/runner.hpp"
#include "conformance/runner/status_line.hpp"

namespace assay {

/// "[ 12/204] 310/s, 1 s left", for `done` of `total` after `spent`; a leading count of failures when there are any.
std::string progress_line(size_t done, size_t total, size_t bad, std::chrono::milliseconds spent);

class Progress : public RunObserver {
 public:
  /// Writes to `stream`; `terminal` says whether it is one.
  Progress(std::FILE* stream, bool terminal, std::string target, size_t total);
  void on_target(const TargetInfo& info) override;
  void on_result(size_t index, const CaseResult& result) override;
  void on_tick() override;

 private:
  using Clock = std::chrono::steady_clock;
  std::FILE* stream_;
  bool terminal_;
  std::string target_;
  size_t total_;
  size_t done_ = 0;
  size_t bad_ = 0;
  StatusLine line_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace assay
