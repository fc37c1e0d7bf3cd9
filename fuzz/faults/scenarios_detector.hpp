/// Scenarios as a detector: machines, domains, and what schedulers promise them, up to the first promise that is
/// broken.
#pragma once

#include <cstdint>

#include "conformance/runner/scenario_tasks.hpp"
#include "fuzz/faults/detector.hpp"
#include "fuzz/faults/reach.hpp"

namespace assay {

class ScenariosDetector final : public Detector {
 public:
  /// Plays all that are in scenarios/ and its folder of bugs, with two seeds each.
  ScenariosDetector(uint64_t seed, unsigned jobs);

  [[nodiscard]] std::string_view name() const override { return "scenarios"; }
  Detection look(const Suspect& suspect) override;

 private:
  ScenarioTasks tasks_;
  Reach reach_;
  unsigned jobs_;
};

/// What has to be set up for it: its vCPUs and what is done to them.
uint64_t steps_of(const scenario::Scenario& scenario);

}  // namespace assay
