#include "hv/domain/pool_move.hpp"

#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/domain/pause.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

template <typename Visit>
void for_each_vcpu(Domain& domain, Visit visit) {
  for (uint32_t i = 0; i < domain.max_vcpus; ++i) {
    if (domain.vcpus[i] != nullptr) visit(*domain.vcpus[i]);
  }
}

template <typename Visit>
void for_each_vcpu_of(const CpuPool& pool, Visit visit) {
  for (Domain* domain = domain_list().head; domain != nullptr; domain = domain->next) {
    if (domain->sched.pool == &pool) for_each_vcpu(*domain, visit);
  }
}

/// Who may run nowhere else in the pool may run anywhere in it.
void break_affinity(const CpuPool& pool) {
  for_each_vcpu_of(pool, [&pool](Vcpu& vcpu) {
    uint64_t left = 0;
    for (size_t i = 0; i < std::size(pool.pcpus); ++i) left |= vcpu.hard_affinity[i] & pool.pcpus[i];
    if (left == 0) std::ranges::fill(vcpu.hard_affinity, ~uint64_t{0});
  });
}

/// Every vCPU of the pool looks anew where it may run.
void settle_pool(const CpuPool& pool) {
  for_each_vcpu_of(pool, sched_affinity_changed);
}

}  // namespace

Status move_to_pool(Domain& domain, CpuPool& pool) {
  const PauseGuard guard(domain);
  return sched_move_domain(domain.sched, domain.vcpus, domain.max_vcpus, pool);
}

Status give_pcpu(CpuPool& pool, uint32_t pcpu) {
  if (const Status status = cpupool_add(pool, pcpu); !status.ok()) return status;
  settle_pool(pool);
  return kOk;
}

void take_pcpu(CpuPool& pool, uint32_t pcpu) {
  cpupool_remove(pool, pcpu);
  if (!fault("cpupool.leaving_pcpu_keeps_vcpus")) break_affinity(pool);
  settle_pool(pool);
  sched_leave(pcpu);
}

}  // namespace hv
