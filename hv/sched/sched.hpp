/// Scheduling, as the rest of the core uses it: who runs on each pCPU, and when that has to be decided anew.
#pragma once

#include <cstdint>

#include "hv/sched/cpupool.hpp"
#include "hv/sched/scheduler.hpp"

namespace hv {

struct Pcpu {
  uint32_t id = 0;
  Vcpu* current = nullptr;   ///< null: idle
  bool reschedule = true;    ///< choose before going back to a guest
  bool yielded = false;      ///< the current vCPU asked for it
  uint64_t tlb_version = 0;  ///< what the current vCPU was last entered with
  Ns until = kNever;         ///< when to choose again
  Ns idle_ns = 0;            ///< accumulated, up to idle_since
  Ns idle_since = 0;         ///< meaningful while current is null
};

/// Called once by boot, on a fresh arena.
void sched_init();
[[nodiscard]] Scheduler& sched_policy();
[[nodiscard]] Pcpu& sched_pcpu(uint32_t pcpu);

/// Chooses who runs on the pCPU, and switches to it: runstates, `running`, the periodic timer. Returns the newcomer.
Vcpu* sched_switch(Pcpu& pcpu);
/// That pCPU should choose anew before it runs a guest again; it is signalled unless it is in the core already.
void sched_request(uint32_t pcpu);
/// The calling vCPU lets others run first.
void sched_yield(Vcpu& vcpu);
/// The hard affinity of a vCPU has changed.
void sched_affinity_changed(Vcpu& vcpu);
/// Waits until no vCPU that runs elsewhere uses translations that were flushed before: each has left its guest since.
/// Called before the caller's own guest goes on, so that a flush is complete when the hypercall returns.
void sched_complete_flushes();
/// Time that this pCPU was idle.
[[nodiscard]] Ns sched_idle_ns(uint32_t pcpu);
/// Reads only. Returns the number of violations, each described through `report`.
uint32_t sched_audit(void (*report)(void*, const char*), void* context);

// Hooks for hv/vcpu.
void sched_wake(Vcpu& vcpu);
void sched_sleep(Vcpu& vcpu);
void sched_forget(Vcpu& vcpu);

[[nodiscard]] inline bool affinity_has(const uint64_t (&mask)[4], uint32_t pcpu) {
  return ((mask[pcpu / 64] >> (pcpu % 64)) & 1) != 0;
}

/// Whether affinity and pool let it run there.
[[nodiscard]] inline bool may_run_on(const Vcpu& vcpu, uint32_t pcpu) {
  return affinity_has(vcpu.hard_affinity, pcpu) && (vcpu.pool == nullptr || affinity_has(vcpu.pool->pcpus, pcpu));
}

}  // namespace hv
