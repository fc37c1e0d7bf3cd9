/// CPU pools: disjoint sets of pCPUs, each with a scheduling policy of its own; a domain runs on those of its pool
/// alone. Source: public/sysctl.h, XEN_SYSCTL_cpupool_op.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/sched/policies.hpp"

namespace hv {

struct CpuPool {
  uint32_t id = 0;
  uint64_t pcpus[4] = {};
  uint32_t pcpu_count = 0;
  uint32_t domains = 0;
  Scheduler* policy = nullptr;
  CpuPool* next = nullptr;  ///< list in ascending id order
};

/// Pool 0 with every pCPU. Called by sched_init, on a fresh arena.
void cpupools_init(const PolicyKind& policy);
[[nodiscard]] CpuPool& first_cpupool();
/// Null when there is none.
[[nodiscard]] CpuPool* cpupool_by_id(uint32_t id);
[[nodiscard]] CpuPool* cpupool_at_or_above(uint32_t id);
/// The pool that the pCPU is in; null: none, or it is on its way out.
[[nodiscard]] CpuPool* cpupool_of(uint32_t pcpu);
/// The pCPU is online and belongs to no pool; one that is on its way out of one still does.
[[nodiscard]] bool pcpu_free(uint32_t pcpu);

/// A pool without pCPUs; XEN_SYSCTL_CPUPOOL_PAR_ANY: the one behind the last. ENOMEM: nothing has changed.
Result<CpuPool*> cpupool_create(uint32_t id, const PolicyKind& policy);
/// EBUSY: it has domains or pCPUs.
Status cpupool_destroy(CpuPool& pool);
/// The pCPU must be free. ENOMEM: nothing has changed.
Status cpupool_add(CpuPool& pool, uint32_t pcpu);
/// The pCPU must be the pool's. No vCPU of the pool may run there from now on. Whoever waits there is the caller's
/// business, who then calls sched_leave.
void cpupool_remove(CpuPool& pool, uint32_t pcpu);

}  // namespace hv
