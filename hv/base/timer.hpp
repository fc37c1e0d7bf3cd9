/// Timers of the core: per pCPU a queue sorted by deadline, its head armed in the host's timer of that pCPU.
/// A timer fires exactly once, at or after its deadline; timers with one deadline fire in the order they were set.
#pragma once

#include "hv/base/types.hpp"

namespace hv {

/// Lives in the object that it serves. Zero-initialised is a stopped timer; `fire` and `context` are set by its owner.
struct Timer {
  void (*fire)(void* context) = nullptr;
  void* context = nullptr;
  Ns deadline = kNever;  ///< kNever: not armed
  uint32_t pcpu = 0;
  Timer* next = nullptr;
  Timer* previous = nullptr;
};

/// Called once by boot, on a fresh arena.
void timers_init();
/// (Re)arms on the queue of `pcpu`. A deadline that has passed fires when that pCPU next looks, which is soon.
void timer_set(Timer& timer, uint32_t pcpu, Ns deadline);
void timer_stop(Timer& timer);
/// Fires everything that is due on this pCPU.
void timers_run(uint32_t pcpu);

}  // namespace hv
