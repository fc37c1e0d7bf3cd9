/// One scenario on one core, again and again with other seeds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "sim/scenario/companion.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/scenario_observer.hpp"

namespace assay::scenario {

/// What came of one seed.
struct Outcome {
  enum class Kind : uint8_t {
    kPass,
    kFail,          ///< a promise was broken
    kCrash,         ///< the core died
    kHang,          ///< or came to no end
    kSkip,          ///< the core lacks what the scenario needs (refusal.hpp)
    kInconclusive,  ///< a running hypervisor only: what was seen tells nothing
  };
  Kind kind = Kind::kPass;
  std::string reason{};               ///< what broke: the name of an oracle, the same for the same cause
  std::string message{};              ///< the first failure in words, with its time, vCPU and pCPU
  std::vector<std::string> others{};  ///< further ones
  std::string evidence{};             ///< of anything but a pass: what each pCPU ran, the last exits, the console
  uint64_t failed_ns = 0;             ///< of a fail: when, from the beginning of the scenario on
  uint64_t digest = 0;
  uint64_t virtual_ns = 0;
  uint64_t exits = 0;
  uint64_t switches = 0;  ///< from one vCPU or from idle to another
};

class ScenarioRunner {
 public:
  /// Boots the core with this command line. Throws CoreRefused, TargetDied. `scenario` outlives it.
  ScenarioRunner(const Scenario& scenario, const std::filesystem::path& core, const std::string& command_line);
  ScenarioRunner(const ScenarioRunner&) = delete;
  ScenarioRunner& operator=(const ScenarioRunner&) = delete;
  ~ScenarioRunner();

  /// Everything that is chosen follows from the seed; who looks on makes no difference. What a companion throws ends
  /// the run and goes through; the next run is none the worse for it.
  Outcome run(uint64_t seed, Companion* companion = nullptr, const Onlookers& onlookers = {});
  /// As Target has it.
  std::vector<uint32_t> places_met();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::scenario
