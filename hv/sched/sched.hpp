/// Scheduling, as the rest of the core uses it: who runs on each pCPU, and when that has to be decided anew.
#pragma once

#include <cstdint>
#include <string_view>

#include "hv/sched/cpupool.hpp"
#include "hv/sched/scheduler.hpp"

namespace hv {

/// pCPUs that run one unit together: those of a core or of a socket, or a single one.
struct Resource {
  uint32_t first = 0;
  uint32_t pcpus = 1;
  // Of several pCPUs, under the policy's lock (rendezvous.hpp).
  Vcpu* unit = nullptr;  ///< that runs there, by its first vCPU; null: idle
  bool decide = false;   ///< who runs there has to be decided anew
  uint32_t come = 0;     ///< pCPUs that wait for the others to decide it
  Ns until = kNever;     ///< when to decide anew
};

struct Pcpu {
  uint32_t id = 0;
  uint32_t first = 0;           ///< of its resource
  Resource resource;            ///< of which it is the first pCPU
  bool has_come = false;        ///< to where its resource decides
  Vcpu* current = nullptr;      ///< null: idle
  bool reschedule = true;       ///< choose before going back to a guest
  bool yielded = false;         ///< the current vCPU asked for it
  bool leaving = false;         ///< its pool's policy loses it as soon as nothing runs there
  bool online = true;           ///< offline it is in no pool, and has no timers once its policy has lost it
  Scheduler* policy = nullptr;  ///< of its pool; null: in none
  uint64_t tlb_version = 0;     ///< what the current vCPU was last entered with
  Ns until = kNever;            ///< when to choose again
  Ns idle_ns = 0;               ///< accumulated, up to idle_since
  Ns idle_since = 0;            ///< meaningful while current is null
};

/// As on the command line.
struct SchedOptions {
  std::string_view policy;       ///< of pool 0; empty: the default
  std::string_view granularity;  ///< of all pools, until they are given another one; empty: cpu
};

/// Called once by boot, on a fresh arena. EINVAL, and lines on the console that say which there are: no such policy or
/// granularity, or they do not go together.
Status sched_init(const SchedOptions& options);
[[nodiscard]] Pcpu& sched_pcpu(uint32_t pcpu);
[[nodiscard]] inline Resource& resource_of(const Pcpu& pcpu) {
  return sched_pcpu(pcpu.first).resource;
}
/// Who runs on the resource of which that is the first pCPU, by its unit's first vCPU; null: it is idle.
[[nodiscard]] Vcpu* sched_unit_on(uint32_t pcpu);

/// Chooses who runs on the pCPU, and switches to it: runstates, `running`, the periodic timer. Returns who runs now.
Vcpu* sched_switch(Pcpu& pcpu);
/// Who runs there should be chosen anew before that pCPU runs a guest again; it is signalled unless it is in the core
/// already.
void sched_request(uint32_t pcpu);
/// The same, where only whether its own vCPU may run has changed, or others are there to choose already.
void sched_look_again(uint32_t pcpu);
/// The calling vCPU lets others run first.
void sched_yield(Vcpu& vcpu);
/// The affinity of a vCPU, or the pCPUs of its pool, have changed. Its unit gets the same affinity, in whole resources.
void sched_affinity_changed(Vcpu& vcpu);
/// The pCPU, which cpupool_remove has taken from its pool and where nobody waits any more, leaves the policy when
/// nothing runs there, with all of its resource: at once, or at its next switch.
void sched_leave(uint32_t pcpu);
/// pCPUs that are on their way out of a pool leave at their next switch, in which they need nothing of the caller:
/// waits for that, unless the caller's own is among them. To be called without locks.
void sched_await_leaves(const Vcpu& caller);
/// Waits until no vCPU that runs elsewhere uses translations that were flushed before: each has left its guest since.
/// Called before the caller's own guest goes on, so that a flush is complete when the hypercall returns.
void sched_complete_flushes();
/// Time that this pCPU was idle.
[[nodiscard]] Ns sched_idle_ns(uint32_t pcpu);
/// Reads only. Returns the number of violations, each described through `report`.
uint32_t sched_audit(void (*report)(void*, const char*), void* context);

/// A domain begins in `pool`. ENOMEM: nothing has changed.
Status sched_create_domain(SchedDomain& domain, CpuPool& pool);
/// Its vCPUs are gone. One that never was created is no error.
void sched_destroy_domain(SchedDomain& domain);
/// A new vCPU, down, begins in its domain's pool. `vcpus`: the domain's, of which those before it in its unit are
/// there. ENOMEM: nothing has changed.
Status sched_create_vcpu(Vcpu& vcpu, SchedDomain& domain, Vcpu* const* vcpus);
/// The domain, none of whose vCPUs (null: not there) runs or can be run, is in `pool` from now on, free to run on any
/// of the pool's pCPUs. ENOMEM: nothing has changed.
Status sched_move_domain(SchedDomain& domain, Vcpu** vcpus, uint32_t count, CpuPool& pool);

// Hooks for hv/vcpu.
void sched_wake(Vcpu& vcpu);
void sched_sleep(Vcpu& vcpu);
void sched_forget(Vcpu& vcpu);

/// Null when the vCPU is where it should be: waiting or not, in its pool's policy. Otherwise what is wrong.
[[nodiscard]] const char* sched_audit_vcpu(const Vcpu& vcpu);

[[nodiscard]] inline bool affinity_has(const uint64_t (&mask)[4], uint32_t pcpu) {
  return ((mask[pcpu / 64] >> (pcpu % 64)) & 1) != 0;
}

/// `count` pCPUs from `first` on.
inline void affinity_add(uint64_t (&mask)[4], uint32_t first, uint32_t count) {
  for (uint32_t pcpu = first; pcpu < first + count; ++pcpu) mask[pcpu / 64] |= uint64_t{1} << (pcpu % 64);
}

inline void affinity_remove(uint64_t (&mask)[4], uint32_t first, uint32_t count) {
  for (uint32_t pcpu = first; pcpu < first + count; ++pcpu) mask[pcpu / 64] &= ~(uint64_t{1} << (pcpu % 64));
}

/// Whether affinity and pool let its unit run on the resource of which that is the first pCPU.
[[nodiscard]] inline bool may_run_on(const Vcpu& vcpu, uint32_t pcpu) {
  return affinity_has(vcpu.hard_affinity, pcpu) && affinity_has(vcpu.pool->resources, pcpu);
}
/// Whether there is any resource where its unit may run.
[[nodiscard]] bool may_run_anywhere(const Vcpu& vcpu);

}  // namespace hv
