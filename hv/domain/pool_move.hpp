/// Domains and the CPU pools they are in.
#pragma once

#include "hv/domain/domain.hpp"
#include "hv/sched/cpupool.hpp"

namespace hv {

/// The domain, which must not be the caller's own, is in `pool` from now on; its vCPUs may run on any of the pool's
/// pCPUs. The pool must have one. ENOMEM: nothing has changed.
Status move_to_pool(Domain& domain, CpuPool& pool);
/// A pCPU is about to leave its pool: vCPUs that may run nowhere else in the pool may run anywhere in it.
void leave_pcpu(const CpuPool& pool);
/// Every vCPU of the pool looks anew where it may run.
void settle_pool(const CpuPool& pool);

}  // namespace hv
