#include "hv/sched/cpupool.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/sched/sched.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

namespace {

/// In the arena; the pointer is set by boot.
CpuPool* first = nullptr;

/// Null: no memory.
CpuPool* new_pool(const PolicyKind& policy) {
  auto* pool = arena_new<CpuPool>();
  if (pool == nullptr) return nullptr;
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

void cpupools_init(const PolicyKind& policy) {
  first = new_pool(policy);
  HV_ASSERT(first != nullptr);
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) HV_ASSERT(cpupool_add(*first, pcpu).ok());
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

Result<CpuPool*> cpupool_create(uint32_t id, const PolicyKind& policy) {
  const bool any = id == XEN_SYSCTL_CPUPOOL_PAR_ANY;  // above all ids, so that it ends up behind the last
  CpuPool* before = first;                            // pool 0 is always there
  while (before->next != nullptr && before->next->id < id) before = before->next;
  if (any) id = before->id + 1;
  CpuPool* pool = new_pool(policy);
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
  HV_ASSERT(pcpu_free(pcpu));
  const PolicyGuard guard(*pool.policy);
  if (const Status status = guard->add_pcpu(pcpu); !status.ok()) return status;
  sched_pcpu(pcpu).policy = pool.policy;
  pool.pcpus[pcpu / 64] |= uint64_t{1} << (pcpu % 64);
  ++pool.pcpu_count;
  return kOk;
}

void cpupool_remove(CpuPool& pool, uint32_t pcpu) {
  HV_ASSERT(affinity_has(pool.pcpus, pcpu));
  const PolicyGuard guard(*pool.policy);
  pool.pcpus[pcpu / 64] &= ~(uint64_t{1} << (pcpu % 64));
  --pool.pcpu_count;
}

}  // namespace hv
