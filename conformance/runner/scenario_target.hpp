/// A core that plays scenarios, as the runner of cases knows it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "conformance/runner/case_result.hpp"
#include "sim/scenario/scenario_run.hpp"
#include "sim/target/target.hpp"

namespace assay {

/// What came of a scenario, as the runner knows it: what broke, the same for the same cause, is in `console`; what else
/// broke, in `notes`. Whatever `play` throws becomes the verdict; `death` says what it means that the subject died.
CaseResult result_of(const char* death, const std::function<scenario::Outcome()>& play);

/// It has a name, and guests that only scenarios know: what a case would do with it is a HarnessFault.
class ScenarioTarget final : public Target {
 public:
  /// Throws TargetUnavailable when the file is not a core that this host can run. It boots with each scenario.
  ScenarioTarget(std::filesystem::path core, std::string command_line);

  /// Of the scenario. It has to live as long.
  scenario::ScenarioRunner& runner_of(const scenario::Scenario& scenario);
  /// The machine stays for the next seed of the same scenario, which has to live as long.
  CaseResult play(const scenario::Scenario& scenario, uint64_t seed);

  [[nodiscard]] const TargetInfo& info() const override { return info_; }
  void begin_case(uint64_t) override { none(); }
  Domain& dom0() override { none(); }
  Domain& create_guest(const GuestSpec&) override { none(); }
  void destroy_guest(Domain&) override { none(); }
  Vcpu& attach_vcpu(Domain&, uint32_t) override { none(); }
  void pass_time(uint64_t) override { none(); }
  [[nodiscard]] uint64_t patience_ns() const override { return kPatienceNs; }
  std::string console() override { return ""; }
  void type_console(std::string_view) override { none(); }
  [[nodiscard]] uint64_t digest() const override { return 0; }
  std::string audit() override { return ""; }
  [[nodiscard]] uint32_t boots() const override { return 0; }
  std::string evidence() override { return ""; }
  std::vector<uint32_t> places_met() override { return runner_ ? runner_->places_met() : std::vector<uint32_t>(); }

 private:
  [[noreturn]] static void none() { throw HarnessFault("a scenario has guests of its own"); }

  std::filesystem::path core_;
  std::string command_line_;
  TargetInfo info_;
  std::unique_ptr<scenario::ScenarioRunner> runner_;
  const scenario::Scenario* at_ = nullptr;  ///< of the runner
};

}  // namespace assay
