#include "hv/domain/pool_move.hpp"

#include <algorithm>

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

}  // namespace

Status move_to_pool(Domain& domain, CpuPool& pool) {
  const PauseGuard guard(domain);
  return sched_move_domain(domain.sched, domain.vcpus, domain.max_vcpus, pool);
}

void leave_pcpu(const CpuPool& pool) {
  for_each_vcpu_of(pool, [&pool](Vcpu& vcpu) {
    uint64_t left = 0;
    for (size_t i = 0; i < std::size(pool.pcpus); ++i) left |= vcpu.hard_affinity[i] & pool.pcpus[i];
    if (left == 0) std::ranges::fill(vcpu.hard_affinity, ~uint64_t{0});
  });
}

void settle_pool(const CpuPool& pool) {
  for_each_vcpu_of(pool, sched_affinity_changed);
}

}  // namespace hv
