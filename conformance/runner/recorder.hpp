/// Writes results while a run goes on, so that whatever ends it, what is known by then is on disk.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/runner.hpp"

namespace assay {

class Recorder : public RunObserver {
 public:
  /// Keeps references to all but `out`. Everything is passed on to `next`. What an earlier run left in `out` stays
  /// until the target is there: a run that never begins takes nothing away.
  Recorder(std::filesystem::path out, const RunDescription& run, const std::vector<Variant>& variants,
           const Expectations& expectations, const Claims& claims, RunObserver& next);

  void on_target(const TargetInfo& info) override;
  void on_result(size_t index, const CaseResult& result) override;
  void on_tick() override;
  /// The final files. Returns the results, written or not.
  Results finish(const RunOutcome& outcome);
  /// Why something could not be written; empty as long as everything could.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  void write(const std::string& name, const std::string& text);
  std::filesystem::path out_;
  const RunDescription& run_;
  const std::vector<Variant>& variants_;
  const Expectations& expectations_;
  const Claims& claims_;
  RunObserver& next_;
  RunOutcome so_far_;
  bool began_ = false;
  std::string error_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point next_write_ = start_;
};

}  // namespace assay
