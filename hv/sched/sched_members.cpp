/// Domains and vCPUs come to the policy of a pool, leave it, and move to another.
#include <algorithm>
#include <span>
#include <utility>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/sched/sched.hpp"
#include "hv/sched/unit.hpp"

namespace hv {

namespace {

PolicyDomain* new_domain(Scheduler& policy, const SchedDomain& domain) {
  const PolicyGuard guard(policy);
  PolicyDomain* data = policy.new_domain();
  if (data == nullptr) return nullptr;
  data->owner = &policy;
  data->domain = &domain;
  return data;
}

void free_domain(PolicyDomain& data) {
  const PolicyGuard guard(*data.owner);
  data.owner->free_domain(data);
}

PolicyUnit* new_unit(PolicyDomain& domain, Vcpu& vcpu) {
  const PolicyGuard guard(*domain.owner);
  PolicyUnit* data = domain.owner->new_unit(vcpu, domain);
  if (data == nullptr) return nullptr;
  data->owner = domain.owner;
  data->vcpu = &vcpu;
  data->domain = &domain;
  return data;
}

void free_unit(PolicyUnit& data) {
  const PolicyGuard guard(*data.owner);
  data.owner->free_unit(data);
}

/// One of the pool's resources, in turn. A pool without any: the unit stays where it is, and does not run.
uint32_t nth_resource(const CpuPool& pool, const Vcpu& first) {
  if (pool.pcpu_count == 0) return first.pcpu;
  uint32_t left = first.id / pool.pcpus_together % (pool.pcpu_count / pool.pcpus_together);
  for (uint32_t pcpu = 0;; ++pcpu) {
    if (affinity_has(pool.resources, pcpu) && left-- == 0) return pcpu;
  }
}

/// The vCPU is the first one of a unit.
void insert(Vcpu& vcpu, PolicyUnit& data, const CpuPool& pool) {
  vcpu.sched = &data;
  vcpu.pool = &pool;
  vcpu.unit_next = nullptr;
  vcpu.pcpu = nth_resource(pool, vcpu);
  const PolicyGuard policy(vcpu);
  policy->insert(vcpu);
}

/// The vCPU, none of those before it in its unit missing, is another one of it.
void join(Vcpu& vcpu, Vcpu& first) {
  const PolicyGuard policy(first);
  Vcpu* last = &first;
  while (last->unit_next != nullptr) last = last->unit_next;
  vcpu.pool = first.pool;
  vcpu.pcpu = first.pcpu + vcpu.id % first.pool->pcpus_together;
  std::ranges::copy(first.hard_affinity, vcpu.hard_affinity);
  std::ranges::copy(first.soft_affinity, vcpu.soft_affinity);
  vcpu.unit_next = nullptr;
  vcpu.sched = first.sched;
  last->unit_next = &vcpu;
}

/// The vCPU is no longer one of its unit, which has others. Where it was the first one, the next one is.
void part(Vcpu& vcpu) {
  const PolicyGuard policy(vcpu);
  PolicyUnit& unit = *vcpu.sched;
  if (unit.vcpu == &vcpu) {
    unit.vcpu = vcpu.unit_next;
    unit.vcpu->pcpu = vcpu.pcpu;
  } else {
    Vcpu* before = unit.vcpu;
    while (before->unit_next != &vcpu) before = before->unit_next;
    before->unit_next = vcpu.unit_next;
  }
}

PolicyUnit* remove(Vcpu& first) {
  const PolicyGuard policy(first);
  policy->sleep(first);
  policy->remove(first);
  return first.sched;
}

/// Nobody of the unit is runnable, and none of its vCPUs runs: its resource is about to switch to another one.
void await_unit(const PolicyUnit& unit) {
  while (unit.running) wait_for_others(&unit.running);
}

/// The data of a domain's units in another policy, by their first vCPUs. All or nothing.
class NewData {
 public:
  /// `vcpus`: null for those that are not there. Units are of `size` vCPUs.
  NewData(Vcpu** vcpus, uint32_t count, uint32_t size)
      : vcpus_(vcpus), count_(count), size_(size), data_(arena_array<PolicyUnit*>(count)) {}
  ~NewData() { arena_array_free(data_, count_); }
  NewData(const NewData&) = delete;
  NewData& operator=(const NewData&) = delete;

  [[nodiscard]] bool allocate(PolicyDomain& domain) {
    if (data_ == nullptr) return false;
    for (uint32_t i = 0; i < count_; i += size_) {
      if (vcpus_[i] == nullptr) continue;
      data_[i] = new_unit(domain, *vcpus_[i]);
      if (data_[i] == nullptr) return release();
    }
    return true;
  }
  [[nodiscard]] PolicyUnit& operator[](uint32_t i) const { return *data_[i]; }

 private:
  bool release() {
    for (uint32_t i = 0; i < count_; ++i) {
      if (data_[i] != nullptr) free_unit(*data_[i]);
    }
    return false;
  }

  Vcpu** vcpus_;
  uint32_t count_;
  uint32_t size_;
  PolicyUnit** data_;
};

/// Out of the old policy, with the pCPUs that they had there, before anything of the new one is seen in them.
PolicyUnit* take_unit(Vcpu& first) {
  for (const Vcpu* vcpu = &first; vcpu != nullptr; vcpu = vcpu->unit_next) {
    HV_ASSERT(!vcpu->running && !vcpu_runnable(*vcpu));
  }
  await_unit(*first.sched);
  return remove(first);
}

/// `vcpus`, the first of which has number `begin`, are whole units in both pools; null: not there.
void move_units(std::span<Vcpu*> vcpus, uint32_t begin, const NewData& fresh, const CpuPool& pool) {
  PolicyUnit* gone = nullptr;
  for (Vcpu* vcpu : vcpus) {
    if (vcpu == nullptr || &unit_of(*vcpu) != vcpu) continue;
    PolicyUnit* old = take_unit(*vcpu);
    old->next_gone = gone;
    gone = old;
  }
  for (uint32_t i = 0; i < vcpus.size(); ++i) {
    Vcpu* vcpu = vcpus[i];
    if (vcpu == nullptr) continue;
    if (!fault("cpupool.moved_domain_keeps_affinity")) std::ranges::fill(vcpu->hard_affinity, ~uint64_t{0});
    std::ranges::fill(vcpu->soft_affinity, ~uint64_t{0});
    const uint32_t place = (begin + i) % pool.pcpus_together;
    if (place == 0) {
      insert(*vcpu, fresh[begin + i], pool);
    } else {
      join(*vcpu, *vcpus[i - place]);
    }
  }
  while (gone != nullptr) free_unit(*std::exchange(gone, gone->next_gone));
}

}  // namespace

Status sched_create_domain(SchedDomain& domain, CpuPool& pool) {
  domain.data = new_domain(*pool.policy, domain);
  if (domain.data == nullptr) return fail(XEN_ENOMEM);
  domain.pool = &pool;
  ++pool.domains;
  return kOk;
}

void sched_destroy_domain(SchedDomain& domain) {
  if (domain.data == nullptr) return;
  free_domain(*domain.data);
  domain.data = nullptr;
  --domain.pool->domains;
}

Status sched_create_vcpu(Vcpu& vcpu, SchedDomain& domain, Vcpu* const* vcpus) {
  if (const uint32_t place = vcpu.id % domain.pool->pcpus_together; place != 0) {
    join(vcpu, *vcpus[vcpu.id - place]);
    return kOk;
  }
  PolicyUnit* data = new_unit(*domain.data, vcpu);
  if (data == nullptr) return fail(XEN_ENOMEM);
  insert(vcpu, *data, *domain.pool);
  return kOk;
}

void sched_forget(Vcpu& vcpu) {
  HV_ASSERT(!vcpu.running);
  if (vcpu.sched == nullptr) return;
  await_unit(*vcpu.sched);
  if (&unit_of(vcpu) == &vcpu && vcpu.unit_next == nullptr) {
    free_unit(*remove(vcpu));
  } else {
    part(vcpu);
  }
  vcpu.sched = nullptr;
}

Status sched_move_domain(SchedDomain& domain, Vcpu** vcpus, uint32_t count, CpuPool& pool) {
  PolicyDomain* data = new_domain(*pool.policy, domain);
  if (data == nullptr) return fail(XEN_ENOMEM);
  NewData fresh(vcpus, count, pool.pcpus_together);
  if (!fresh.allocate(*data)) {
    free_domain(*data);
    return fail(XEN_ENOMEM);
  }
  // One granularity divides the other: so many at a time are whole units before and behind.
  const uint32_t step = std::max(domain.pool->pcpus_together, pool.pcpus_together);
  for (uint32_t i = 0; i < count; i += step) {
    move_units({vcpus + i, std::min(step, count - i)}, i, fresh, pool);
  }
  free_domain(*domain.data);
  --domain.pool->domains;
  domain.data = data;
  domain.pool = &pool;
  ++pool.domains;
  return kOk;
}

}  // namespace hv
