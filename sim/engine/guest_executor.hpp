/// What runs as a guest on a vCPU: the machine asks it for the next reason to leave.
#pragma once

#include <cstdint>

#include "sim/engine/pcpu_set.hpp"
#include "sim/port/port.h"

namespace assay {

struct GuestStep {
  enum class Kind : uint8_t {
    kExit,  ///< the exit structure is filled in: the core has to be entered
    kIdle,  ///< spins without effect until an interrupt or a request: takes no time, keeps none from passing
    kWait,  ///< as idle, but wants to run again at `until_ns`
    kTurn,  ///< has used up its turn and could go on
  };
  Kind kind;
  uint64_t until_ns = ASSAY_NEVER;
  uint64_t spent_ns = 0;  ///< virtual time that the step took, for guests whose instructions take any
};

/// What a step starts from, and when it should end by itself: a step may overrun by what cannot be divided.
struct StepLimits {
  uint64_t now_ns;
  uint64_t until_ns;
};

class GuestExecutor {
 public:
  GuestExecutor() = default;
  GuestExecutor(const GuestExecutor&) = default;
  GuestExecutor& operator=(const GuestExecutor&) = default;
  virtual ~GuestExecutor() = default;

  /// Runs the vCPU from where `run.regs` says to the next step. `exit` is zeroed by the caller. Clears `run.inject`
  /// once the interrupt is taken.
  virtual GuestStep step(assay_run& run, const StepLimits& limits, assay_exit& exit) = 0;

  /// Where it runs now, PcpuSet::kNone while it is not scheduled. Kept by the machine.
  uint32_t pcpu = PcpuSet::kNone;
};

}  // namespace assay
