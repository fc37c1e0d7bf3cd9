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
  };
  Kind kind;
  uint64_t until_ns = ASSAY_NEVER;
};

class GuestExecutor {
 public:
  GuestExecutor() = default;
  GuestExecutor(const GuestExecutor&) = default;
  GuestExecutor& operator=(const GuestExecutor&) = default;
  virtual ~GuestExecutor() = default;

  /// Runs the vCPU from where `run.regs` says to the next step. `exit` is zeroed by the caller. Clears `run.inject`
  /// once the interrupt is taken.
  virtual GuestStep step(assay_run& run, uint64_t now_ns, assay_exit& exit) = 0;

  /// Where it runs now, PcpuSet::kNone while it is not scheduled. Kept by the machine.
  uint32_t pcpu = PcpuSet::kNone;
};

}  // namespace assay
