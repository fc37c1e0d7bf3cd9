/// Domains and vCPUs come to the policy of a pool, leave it, and move to another.
#include <algorithm>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/policy_guard.hpp"
#include "hv/sched/sched.hpp"

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

PolicyVcpu* new_vcpu(PolicyDomain& domain, Vcpu& vcpu) {
  const PolicyGuard guard(*domain.owner);
  PolicyVcpu* data = domain.owner->new_vcpu(vcpu, domain);
  if (data == nullptr) return nullptr;
  data->owner = domain.owner;
  data->vcpu = &vcpu;
  data->domain = &domain;
  return data;
}

void free_vcpu(PolicyVcpu& data) {
  const PolicyGuard guard(*data.owner);
  data.owner->free_vcpu(data);
}

/// One of the pool's pCPUs, in turn. A pool without any: the vCPU stays where it is, and does not run.
uint32_t nth_pcpu(const CpuPool& pool, const Vcpu& vcpu) {
  if (pool.pcpu_count == 0) return vcpu.pcpu;
  uint32_t left = vcpu.id % pool.pcpu_count;
  for (uint32_t pcpu = 0;; ++pcpu) {
    if (affinity_has(pool.pcpus, pcpu) && left-- == 0) return pcpu;
  }
}

void insert(Vcpu& vcpu, PolicyVcpu& data, const CpuPool& pool) {
  vcpu.sched = &data;
  vcpu.pool = &pool;
  vcpu.pcpu = nth_pcpu(pool, vcpu);
  const PolicyGuard policy(vcpu);
  policy->insert(vcpu);
}

PolicyVcpu* remove(Vcpu& vcpu) {
  const PolicyGuard policy(vcpu);
  policy->sleep(vcpu);
  policy->remove(vcpu);
  return vcpu.sched;
}

/// The data of a domain's vCPUs in another policy. All or nothing.
class NewData {
 public:
  /// `vcpus`: null for those that are not there.
  NewData(Vcpu** vcpus, uint32_t count) : vcpus_(vcpus), count_(count), data_(arena_array<PolicyVcpu*>(count)) {}
  ~NewData() { arena_array_free(data_, count_); }
  NewData(const NewData&) = delete;
  NewData& operator=(const NewData&) = delete;

  [[nodiscard]] bool allocate(PolicyDomain& domain) {
    if (data_ == nullptr) return false;
    for (uint32_t i = 0; i < count_; ++i) {
      if (vcpus_[i] == nullptr) continue;
      data_[i] = new_vcpu(domain, *vcpus_[i]);
      if (data_[i] == nullptr) return release();
    }
    return true;
  }
  [[nodiscard]] PolicyVcpu& operator[](uint32_t i) const { return *data_[i]; }

 private:
  bool release() {
    for (uint32_t i = 0; i < count_; ++i) {
      if (data_[i] != nullptr) free_vcpu(*data_[i]);
    }
    return false;
  }

  Vcpu** vcpus_;
  uint32_t count_;
  PolicyVcpu** data_;
};

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

Status sched_create_vcpu(Vcpu& vcpu, SchedDomain& domain) {
  PolicyVcpu* data = new_vcpu(*domain.data, vcpu);
  if (data == nullptr) return fail(XEN_ENOMEM);
  insert(vcpu, *data, *domain.pool);
  return kOk;
}

void sched_forget(Vcpu& vcpu) {
  HV_ASSERT(!vcpu.running);
  if (vcpu.sched == nullptr) return;
  free_vcpu(*remove(vcpu));
  vcpu.sched = nullptr;
}

Status sched_move_domain(SchedDomain& domain, Vcpu** vcpus, uint32_t count, CpuPool& pool) {
  PolicyDomain* data = new_domain(*pool.policy, domain);
  if (data == nullptr) return fail(XEN_ENOMEM);
  NewData fresh(vcpus, count);
  if (!fresh.allocate(*data)) {
    free_domain(*data);
    return fail(XEN_ENOMEM);
  }
  for (uint32_t i = 0; i < count; ++i) {
    Vcpu* vcpu = vcpus[i];
    if (vcpu == nullptr) continue;
    HV_ASSERT(!vcpu->running && !vcpu_runnable(*vcpu));
    // Out of the old policy, with the pCPU that it had there, before anything of the new one is seen in it.
    PolicyVcpu* old = remove(*vcpu);
    if (!fault("cpupool.moved_domain_keeps_affinity")) std::ranges::fill(vcpu->hard_affinity, ~uint64_t{0});
    std::ranges::fill(vcpu->soft_affinity, ~uint64_t{0});
    insert(*vcpu, fresh[i], pool);
    free_vcpu(*old);
  }
  free_domain(*domain.data);
  --domain.pool->domains;
  domain.data = data;
  domain.pool = &pool;
  ++pool.domains;
  return kOk;
}

}  // namespace hv
