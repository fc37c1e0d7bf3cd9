#include "hv/sched/cpupool.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/sched/rendezvous.hpp"
#include "hv/sched/sched.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

namespace {

/// In the arena; the pointer is set by boot.
CpuPool* first = nullptr;

bool goes_with(bool has_units, Granularity granularity) {
  return granularity == Granularity::kCpu || (has_units && pcpus_together(granularity) != 0);
}

/// Null: no memory.
CpuPool* new_pool(const PolicyKind& policy, Granularity granularity) {
  auto* pool = arena_new<CpuPool>();
  if (pool == nullptr) return nullptr;
  pool->granularity = granularity;
  pool->pcpus_together = pcpus_together(granularity);
  pool->policy = policy.create();
  if (pool->policy != nullptr) return pool;
  arena_delete(pool);
  return nullptr;
}

/// Pools have it that the pool's list does not: those that are on their way out.
bool has_leaving_pcpu(const CpuPool& pool) {
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) {
    if (sched_pcpu(pcpu).policy == pool.policy && !affinity_has(pool.pcpus, pcpu)) return true;
  }
  return false;
}

}  // namespace

Status cpupools_init(const PolicyKind& policy, Granularity granularity) {
  if (!goes_with(policy.has_units, granularity)) return fail(XEN_EINVAL);
  first = new_pool(policy, granularity);
  HV_ASSERT(first != nullptr);
  for (uint32_t pcpu = 0; pcpu < host().pcpus; pcpu += first->pcpus_together) {
    HV_ASSERT(cpupool_add(*first, pcpu).ok());
  }
  return kOk;
}

CpuPool& first_cpupool() {
  return *first;
}

CpuPool* cpupool_at_or_above(uint32_t id) {
  CpuPool* pool = first;
  while (pool != nullptr && pool->id < id) pool = pool->next;
  return pool;
}

CpuPool* cpupool_by_id(uint32_t id) {
  CpuPool* pool = cpupool_at_or_above(id);
  return pool != nullptr && pool->id == id ? pool : nullptr;
}

CpuPool* cpupool_of(uint32_t pcpu) {
  CpuPool* pool = first;
  while (pool != nullptr && !affinity_has(pool->pcpus, pcpu)) pool = pool->next;
  return pool;
}

bool pcpu_free(uint32_t pcpu) {
  return sched_pcpu(pcpu).policy == nullptr && sched_pcpu(pcpu).online;
}

bool resource_free(const CpuPool& pool, uint32_t pcpu) {
  const uint32_t begin = pcpu / pool.pcpus_together * pool.pcpus_together;
  for (uint32_t i = begin; i < begin + pool.pcpus_together; ++i) {
    if (!pcpu_free(i)) return false;
  }
  return true;
}

bool any_pool_schedules_together() {
  const CpuPool* pool = first;
  while (pool != nullptr && pool->granularity == Granularity::kCpu) pool = pool->next;
  return pool != nullptr;
}

Status cpupool_set_granularity(CpuPool& pool, Granularity granularity) {
  if (!goes_with(policy_by_id(pool.policy->abi_id())->has_units, granularity)) return fail(XEN_EINVAL);
  if (pool.pcpu_count != 0 || pool.domains != 0 || has_leaving_pcpu(pool)) return fail(XEN_EBUSY);
  pool.granularity = granularity;
  pool.pcpus_together = pcpus_together(granularity);
  return kOk;
}

Result<CpuPool*> cpupool_create(uint32_t id, const PolicyKind& policy) {
  if (!goes_with(policy.has_units, first->granularity)) return fail(XEN_EINVAL);
  const bool any = id == XEN_SYSCTL_CPUPOOL_PAR_ANY;  // above all ids, so that it ends up behind the last
  CpuPool* before = first;                            // pool 0 is always there
  while (before->next != nullptr && before->next->id < id) before = before->next;
  if (any) id = before->id + 1;
  CpuPool* pool = new_pool(policy, first->granularity);
  if (pool == nullptr) return fail(XEN_ENOMEM);
  pool->id = id;
  pool->next = before->next;
  before->next = pool;
  return pool;
}

Status cpupool_destroy(CpuPool& pool) {
  if (pool.domains != 0 || (pool.pcpu_count != 0 && !fault("cpupool.destroyed_with_pcpus"))) return fail(XEN_EBUSY);
  if (has_leaving_pcpu(pool)) return fail(XEN_EBUSY);
  CpuPool** link = &first;
  while (*link != &pool) link = &(*link)->next;
  *link = pool.next;
  pool.policy->destroy();
  arena_delete(&pool);
  return kOk;
}

Status cpupool_add(CpuPool& pool, uint32_t pcpu) {
  HV_ASSERT(resource_free(pool, pcpu));
  Pcpu& leader = sched_pcpu(pcpu / pool.pcpus_together * pool.pcpus_together);
  const PolicyGuard guard(*pool.policy);
  if (const Status status = guard->add_pcpu(leader.id); !status.ok()) return status;
  leader.resource = {.first = leader.id, .pcpus = pool.pcpus_together};
  for_each_together(leader.resource, [&](Pcpu& member) {
    member.first = leader.id;
    member.has_come = false;
    member.policy = pool.policy;
  });
  affinity_add(pool.resources, leader.id, 1);
  affinity_add(pool.pcpus, leader.id, pool.pcpus_together);
  pool.pcpu_count += pool.pcpus_together;
  return kOk;
}

void cpupool_remove(CpuPool& pool, uint32_t pcpu) {
  HV_ASSERT(affinity_has(pool.pcpus, pcpu));
  const PolicyGuard guard(*pool.policy);
  const Resource& resource = resource_of(sched_pcpu(pcpu));
  affinity_remove(pool.resources, resource.first, 1);
  affinity_remove(pool.pcpus, resource.first, resource.pcpus);
  pool.pcpu_count -= resource.pcpus;
}

}  // namespace hv
