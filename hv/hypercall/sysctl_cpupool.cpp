/// CPU pools. Source: public/sysctl.h, error values of cpupool operations.
#include <array>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/domain/pool_move.hpp"
#include "hv/hypercall/bitmap.hpp"
#include "hv/hypercall/sysctl.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

int64_t create(Sysctl& ctl) {
  xen_sysctl_cpupool_op& op = ctl.op.u.cpupool_op;
  if (op.cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY && cpupool_by_id(op.cpupool_id) != nullptr) return -XEN_EEXIST;
  const PolicyKind* kind = policy_by_id(op.sched_id);
  if (kind == nullptr) return -XEN_ENOENT;
  const Result<CpuPool*> pool = cpupool_create(op.cpupool_id, *kind);
  if (!pool.ok()) return pool.status().raw();
  op.cpupool_id = (*pool)->id;
  ctl.copy_back = true;
  return 0;
}

int64_t info(Sysctl& ctl) {
  xen_sysctl_cpupool_op& op = ctl.op.u.cpupool_op;
  const CpuPool* pool = cpupool_at_or_above(op.cpupool_id);
  if (pool == nullptr) return -XEN_ENOENT;
  op.cpupool_id = pool->id;
  op.sched_id = pool->policy->abi_id();
  op.n_dom = pool->domains;
  ctl.copy_back = true;
  return write_cpu_mask(ctl.call.space(), op.cpumap, std::to_array(pool->pcpus)) ? 0 : -XEN_EFAULT;
}

int64_t free_info(Sysctl& ctl) {
  CpuMask mask{};
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) {
    if (pcpu_free(pcpu)) mask[pcpu / 64] |= uint64_t{1} << (pcpu % 64);
  }
  ctl.copy_back = true;
  return write_cpu_mask(ctl.call.space(), ctl.op.u.cpupool_op.cpumap, mask) ? 0 : -XEN_EFAULT;
}

/// With all pCPUs of its core or socket, where the pool schedules those together. Errors, in order: EINVAL no such
/// pCPU; ENODEV not all of them are free; ENOMEM.
int64_t add_pcpu(CpuPool& pool, uint32_t pcpu) {
  if (pcpu == XEN_SYSCTL_CPUPOOL_PAR_ANY) {
    pcpu = 0;
    while (pcpu < host().pcpus && !resource_free(pool, pcpu)) ++pcpu;
    if (pcpu == host().pcpus) return -XEN_ENODEV;
  }
  if (pcpu >= host().pcpus) return -XEN_EINVAL;
  const bool free = fault("cpupool.partial_core_joins") ? pcpu_free(pcpu) : resource_free(pool, pcpu);
  if (!free) return -XEN_ENODEV;
  return give_pcpu(pool, pcpu).raw();
}

/// With all pCPUs that came with it. Errors, in order: EINVAL no such pCPU, or it is offline; EADDRNOTAVAIL not the
/// pool's; EBUSY the last one, and there are domains.
int64_t remove_pcpu(CpuPool& pool, uint32_t pcpu) {
  if (pcpu == XEN_SYSCTL_CPUPOOL_PAR_ANY) {
    for (pcpu = host().pcpus; pcpu > 0 && !affinity_has(pool.pcpus, pcpu - 1);) --pcpu;
    --pcpu;
  }
  if (pcpu >= host().pcpus || !sched_pcpu(pcpu).online) return -XEN_EINVAL;
  if (!affinity_has(pool.pcpus, pcpu)) return -XEN_EADDRNOTAVAIL;
  if (has_single_resource(pool) && pool.domains != 0 && !fault("cpupool.last_pcpu_taken")) return -XEN_EBUSY;
  take_pcpu(pool, pcpu);
  return 0;
}

/// Errors, in order: ESRCH no such domain; EPERM the caller's own; ENOENT no such pool, or it has no pCPU; ENOMEM.
int64_t move_domain(const Sysctl& ctl, CpuPool* pool, uint32_t domid) {
  Domain* domain = domid < DOMID_FIRST_RESERVED ? domain_by_id(DomId{static_cast<uint16_t>(domid)}) : nullptr;
  if (domain == nullptr) return -XEN_ESRCH;
  if (domain == &ctl.call.domain()) return -XEN_EPERM;
  if (pool == nullptr || pool->pcpu_count == 0) return -XEN_ENOENT;
  return domain->sched.pool == pool ? 0 : move_to_pool(*domain, *pool).raw();
}

int64_t dispatch_pool_op(Sysctl& ctl) {
  const xen_sysctl_cpupool_op& op = ctl.op.u.cpupool_op;
  CpuPool* pool = cpupool_by_id(op.cpupool_id);
  switch (op.op) {
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
      return create(ctl);
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
      return pool == nullptr ? -XEN_ENOENT : cpupool_destroy(*pool).raw();
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
      return info(ctl);
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
      return pool == nullptr ? -XEN_ENOENT : add_pcpu(*pool, op.cpu);
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
      return pool == nullptr ? -XEN_ENOENT : remove_pcpu(*pool, op.cpu);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
      return move_domain(ctl, pool, op.domid);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
      return free_info(ctl);
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace

int64_t sysctl_cpupool_op(Sysctl& ctl) {
  int64_t result = 0;
  {
    const LockGuard guard(domain_list().control_lock);
    result = dispatch_pool_op(ctl);
  }
  if (ctl.op.u.cpupool_op.op == XEN_SYSCTL_CPUPOOL_OP_RMCPU && result == 0) sched_await_leaves(ctl.call.vcpu);
  return result;
}

}  // namespace hv
