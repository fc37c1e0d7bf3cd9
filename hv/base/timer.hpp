/// Timers of the core: per pCPU a queue sorted by deadline, its head armed in the host's timer of that pCPU.
/// A timer fires exactly once, at or after its deadline; timers with one deadline fire in the order they were set.
/// The queue of a pCPU that is offline is closed: what is set there, before or meanwhile, is in pCPU 0's, which never
/// closes.
#pragma once

#include "hv/base/types.hpp"

namespace hv {

/// Lives in the object that it serves. Zero-initialised is a stopped timer; `fire` and `context` are set by its owner.
struct Timer {
  void (*fire)(void* context) = nullptr;
  void* context = nullptr;
  Ns deadline = kNever;  ///< kNever: not armed
  uint32_t home = 0;     ///< the pCPU that it was set for
  uint32_t pcpu = 0;     ///< in whose queue it is
  Timer* next = nullptr;
  Timer* previous = nullptr;
};

/// Called once by boot, on a fresh arena.
void timers_init();
/// (Re)arms on the queue of `pcpu`, or of pCPU 0 while that is closed. A deadline that has passed fires when that pCPU
/// next looks, which is soon.
void timer_set(Timer& timer, uint32_t pcpu, Ns deadline);
void timer_stop(Timer& timer);
/// Fires everything that is due on this pCPU.
void timers_run(uint32_t pcpu);
/// Not pCPU 0's, which gets what is in it.
void timers_close(uint32_t pcpu);
/// It gets back what was set for it.
void timers_open(uint32_t pcpu);

}  // namespace hv
