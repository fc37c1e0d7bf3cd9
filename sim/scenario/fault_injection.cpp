#include "sim/scenario/fault_injection.hpp"

namespace assay::scenario {

FaultInjection::FaultInjection(const FaultSpec& faults, const Rng& rng, uint64_t start_ns, ScenarioObserver* observer)
    : faults_(faults),
      signals_(rng.fork("signals")),
      timers_(rng.fork("timers")),
      clocks_(rng.fork("clocks")),
      start_ns_(start_ns),
      end_ns_(start_ns + faults.until_ns),
      observer_(observer) {}

uint64_t FaultInjection::tell(uint32_t pcpu, uint64_t now_ns, ScenarioObserver::Late what, uint64_t late_ns) {
  if (observer_ != nullptr && late_ns != 0) observer_->on_late(now_ns, pcpu, what, late_ns);
  return late_ns;
}

uint64_t FaultInjection::signal_delay_ns(uint32_t pcpu, uint64_t now_ns) {
  if (!is_on(now_ns) || faults_.signal_delay_ns == 0) return 0;
  return tell(pcpu, now_ns, ScenarioObserver::Late::kSignal, signals_.below(faults_.signal_delay_ns + 1));
}

uint64_t FaultInjection::timer_lateness_ns(uint32_t pcpu, uint64_t now_ns) {
  if (!is_on(now_ns) || faults_.timer_lateness_ns == 0) return 0;
  return tell(pcpu, now_ns, ScenarioObserver::Late::kTimer, timers_.below(faults_.timer_lateness_ns + 1));
}

uint64_t FaultInjection::clock_lag_ns(uint32_t /*pcpu*/, uint64_t now_ns) {
  if (!is_on(now_ns) || faults_.clock_jitter_ns == 0) return 0;
  return clocks_.below(faults_.clock_jitter_ns + 1);
}

uint64_t FaultInjection::exit_cost_ns(uint32_t pcpu, uint64_t now_ns, uint64_t usual_ns) {
  return usual_ns * slowness(pcpu, now_ns) / kWholePcpu;
}

uint64_t FaultInjection::slowness(uint32_t pcpu, uint64_t now_ns) const {
  return is_on(now_ns) && faults_.slow_pcpus.has(pcpu) ? faults_.slow_factor : kWholePcpu;
}

}  // namespace assay::scenario
