/// A core that plays scenarios, as the runner of cases knows it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/target_of_its_own.hpp"
#include "sim/scenario/scenario_run.hpp"
#include "sim/target/target.hpp"

namespace assay {

/// What came of a scenario, as the runner knows it: what broke, the same for the same cause, is in `console`; what else
/// broke, in `notes`. Whatever `play` throws becomes the verdict; `death` says what it means that the subject died.
CaseResult result_of(const char* death, const std::function<scenario::Outcome()>& play);

/// Its guests are those of the scenario.
class ScenarioTarget final : public TargetOfItsOwn {
 public:
  /// Throws TargetUnavailable when the file is not a core that this host can run. It boots with each scenario.
  ScenarioTarget(std::filesystem::path core, std::string command_line);

  /// Of the scenario. It has to live as long.
  scenario::ScenarioRunner& runner_of(const scenario::Scenario& scenario);
  /// The machine stays for the next seed of the same scenario, which has to live as long.
  CaseResult play(const scenario::Scenario& scenario, uint64_t seed);

  [[nodiscard]] const TargetInfo& info() const override { return info_; }
  std::vector<uint32_t> places_met() override { return runner_ ? runner_->places_met() : std::vector<uint32_t>(); }

 private:
  std::filesystem::path core_;
  std::string command_line_;
  TargetInfo info_;
  std::unique_ptr<scenario::ScenarioRunner> runner_;
  const scenario::Scenario* at_ = nullptr;  ///< of the runner
};

}  // namespace assay
