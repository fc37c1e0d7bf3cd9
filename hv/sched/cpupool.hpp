/// CPU pools: disjoint sets of pCPUs, each with a scheduling policy of its own; a domain runs on those of its pool
/// alone. Source: public/sysctl.h, XEN_SYSCTL_cpupool_op.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/sched/granularity.hpp"
#include "hv/sched/policies.hpp"

namespace hv {

struct CpuPool {
  uint32_t id = 0;
  Granularity granularity = Granularity::kCpu;
  uint32_t pcpus_together = 1;  ///< of each of its resources: what the granularity makes of this machine
  uint64_t pcpus[4] = {};
  uint64_t resources[4] = {};  ///< the first pCPU of each
  uint32_t pcpu_count = 0;
  uint32_t domains = 0;
  Scheduler* policy = nullptr;
  CpuPool* next = nullptr;  ///< list in ascending id order
};

/// Pool 0 with every pCPU. Called by sched_init, on a fresh arena. EINVAL: the policy does not go with the granularity.
Status cpupools_init(const PolicyKind& policy, Granularity granularity);
[[nodiscard]] CpuPool& first_cpupool();
/// Null when there is none.
[[nodiscard]] CpuPool* cpupool_by_id(uint32_t id);
[[nodiscard]] CpuPool* cpupool_at_or_above(uint32_t id);
/// The pool that the pCPU is in; null: none, or it is on its way out.
[[nodiscard]] CpuPool* cpupool_of(uint32_t pcpu);
/// The pCPU is online and belongs to no pool; one that is on its way out of one still does.
[[nodiscard]] bool pcpu_free(uint32_t pcpu);
/// All pCPUs are free that would come to the pool with that one: a core's, or a socket's, or it alone.
[[nodiscard]] bool resource_free(const CpuPool& pool, uint32_t pcpu);
/// It has one resource, the last.
[[nodiscard]] inline bool has_single_resource(const CpuPool& pool) {
  return pool.pcpu_count == pool.pcpus_together;
}
/// Some pool schedules more than single pCPUs.
[[nodiscard]] bool any_pool_schedules_together();

/// A pool without pCPUs, of pool 0's granularity; XEN_SYSCTL_CPUPOOL_PAR_ANY: the one behind the last. Errors, in
/// order: EINVAL the policy does not go with the granularity; ENOMEM. On error nothing changes.
Result<CpuPool*> cpupool_create(uint32_t id, const PolicyKind& policy);
/// EBUSY: it has domains or pCPUs.
Status cpupool_destroy(CpuPool& pool);
/// Errors, in order: EINVAL the policy does not go with it, or this machine does not; EBUSY it has pCPUs or domains.
Status cpupool_set_granularity(CpuPool& pool, Granularity granularity);
/// The pCPU comes with all of its resource, which must be free. ENOMEM: nothing has changed.
Status cpupool_add(CpuPool& pool, uint32_t pcpu);
/// The pCPU, which must be the pool's, goes with all of its resource. No vCPU of the pool may run there from now on.
/// Whoever waits there is the caller's business, who then calls sched_leave.
void cpupool_remove(CpuPool& pool, uint32_t pcpu);

}  // namespace hv
