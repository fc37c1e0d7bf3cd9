/// How the machine's hardware behaves where it may behave in more than one way.
#pragma once

#include <cstdint>

namespace assay {

/// Asked each time; what it answers must follow from a seed alone. Without one, everything is prompt.
class Hardware {
 public:
  virtual ~Hardware() = default;
  /// How long a signal to `pcpu` is under way.
  virtual uint64_t signal_delay_ns(uint32_t pcpu, uint64_t now_ns) = 0;
  /// How late the timer of `pcpu` that is being set will fire.
  virtual uint64_t timer_lateness_ns(uint32_t pcpu, uint64_t now_ns) = 0;
  /// How far the clock that `pcpu` reads lags behind; another amount each time, so that it may step back.
  virtual uint64_t clock_lag_ns(uint32_t pcpu, uint64_t now_ns) = 0;
  /// What leaving a guest costs there.
  virtual uint64_t exit_cost_ns(uint32_t pcpu, uint64_t now_ns, uint64_t usual_ns) = 0;
};

}  // namespace assay
