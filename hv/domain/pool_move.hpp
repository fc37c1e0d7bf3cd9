/// Domains and the CPU pools they are in.
#pragma once

#include "hv/domain/domain.hpp"
#include "hv/sched/cpupool.hpp"

namespace hv {

/// The domain, which must not be the caller's own, is in `pool` from now on; its vCPUs may run on any of the pool's
/// pCPUs. The pool must have one. ENOMEM: nothing has changed.
Status move_to_pool(Domain& domain, CpuPool& pool);
/// The pool gets a pCPU that is free, and its vCPUs look anew where they may run. ENOMEM: nothing has changed.
Status give_pcpu(CpuPool& pool, uint32_t pcpu);
/// The pool gives one of its pCPUs up; vCPUs that may run nowhere else in it may run anywhere in it from now on. What
/// runs there leaves it at its next switch: sched_await_leaves.
void take_pcpu(CpuPool& pool, uint32_t pcpu);

}  // namespace hv
