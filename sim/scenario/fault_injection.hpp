/// Hardware that is as bad as hardware may be, by seed and within bounds.
#pragma once

#include "sim/engine/hardware.hpp"
#include "sim/engine/rng.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/scenario/scenario_observer.hpp"

namespace assay::scenario {

class FaultInjection final : public Hardware {
 public:
  /// From `start_ns` on until the faults' own end. `observer` may be null.
  FaultInjection(const FaultSpec& faults, const Rng& rng, uint64_t start_ns, ScenarioObserver* observer);
  uint64_t signal_delay_ns(uint32_t pcpu, uint64_t now_ns) override;
  uint64_t timer_lateness_ns(uint32_t pcpu, uint64_t now_ns) override;
  uint64_t clock_lag_ns(uint32_t pcpu, uint64_t now_ns) override;
  uint64_t exit_cost_ns(uint32_t pcpu, uint64_t now_ns, uint64_t usual_ns) override;
  /// What computing takes there, in hundredths of a percent of the usual time.
  [[nodiscard]] uint64_t slowness(uint32_t pcpu, uint64_t now_ns) const;

 private:
  uint64_t tell(uint32_t pcpu, uint64_t now_ns, ScenarioObserver::Late what, uint64_t late_ns);
  [[nodiscard]] bool is_on(uint64_t now_ns) const { return now_ns >= start_ns_ && now_ns < end_ns_; }
  FaultSpec faults_;
  Rng signals_;
  Rng timers_;
  Rng clocks_;
  uint64_t start_ns_;
  uint64_t end_ns_;
  ScenarioObserver* observer_;
};

}  // namespace assay::scenario
