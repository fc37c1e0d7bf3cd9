/// What a scheduling policy is. The mechanism around it (sched.hpp) keeps pCPUs, runstates and signals; a policy only
/// keeps queues and chooses. Policies live in the arena; one is chosen at boot.
#pragma once

#include <cstdint>

#include "hv/vcpu/vcpu.hpp"

namespace hv {

struct Choice {
  Vcpu* vcpu = nullptr;  ///< null: idle
  Ns until = kNever;     ///< when to choose again; kNever while nobody waits
};

/// All calls are made with the scheduler's lock held. A policy must never choose a vCPU outside its hard affinity, nor
/// one that runs on another pCPU.
class Scheduler {
 public:
  [[nodiscard]] virtual const char* name() const = 0;
  /// XEN_SCHEDULER_* of the nearest policy the ABI has a number for.
  [[nodiscard]] virtual uint32_t abi_id() const = 0;
  /// The vCPU became runnable. Returns the pCPU that should choose anew.
  virtual uint32_t wake(Vcpu& vcpu) = 0;
  /// The vCPU is no longer runnable; it is forgotten if it was queued.
  virtual void sleep(Vcpu& vcpu) = 0;
  /// Who runs next on `pcpu`. `current` (may be null) ran until now; when it is still runnable and not chosen, it must
  /// be queued. `yielded`: it asked to let others run first.
  virtual Choice choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) = 0;

 protected:
  ~Scheduler() = default;
};

}  // namespace hv
