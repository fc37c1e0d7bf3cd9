/// pCPUs go offline and come back. Source: public/sysctl.h, XEN_SYSCTL_cpu_hotplug.
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/base/timer.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/domain/pool_move.hpp"
#include "hv/hypercall/sysctl.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

/// Where pool 0 schedules several pCPUs together, the others leave it too, and are free then. Errors, in order: EINVAL
/// no such pCPU, or pCPU 0; EEXIST offline already; EBUSY it is on its way out of a pool; ENODEV it is in a pool other
/// than pool 0 (measured on 4.17); EBUSY it is the last one there, and there are domains.
int64_t offline(uint32_t number) {
  if (number >= host().pcpus || number == 0) return -XEN_EINVAL;
  Pcpu& pcpu = sched_pcpu(number);
  if (!pcpu.online) return -XEN_EEXIST;
  if (pcpu.leaving) return -XEN_EBUSY;
  CpuPool* const pool = cpupool_of(number);
  if (pool != nullptr && pool != &first_cpupool()) {
    if (fault("hotplug.refused_but_taken")) cpupool_remove(*pool, number);
    return -XEN_ENODEV;
  }
  if (pool != nullptr && has_single_resource(*pool) && pool->domains != 0) return -XEN_EBUSY;
  pcpu.online = false;
  if (pool == nullptr) {
    timers_close(number);
  } else {
    take_pcpu(*pool, number);
  }
  return 0;
}

/// Errors, in order: EINVAL no such pCPU; EEXIST online already; EBUSY it is still on its way out; ENOMEM. On error
/// nothing changes.
int64_t online(uint32_t number) {
  if (number >= host().pcpus) return -XEN_EINVAL;
  Pcpu& pcpu = sched_pcpu(number);
  if (pcpu.online) return -XEN_EEXIST;
  if (pcpu.leaving) return -XEN_EBUSY;
  pcpu.online = true;
  timers_open(number);
  // Those that it is scheduled together with may be offline still, or in another pool.
  if (!resource_free(first_cpupool(), number)) return 0;
  const Status status = give_pcpu(first_cpupool(), number);
  if (status.ok()) return 0;
  pcpu.online = false;
  timers_close(number);
  return status.raw();
}

/// Every thread of a core but its first. Errors, in order: EOPNOTSUPP cores have one; EBUSY a pool schedules cores or
/// sockets (docs: xen-command-line, sched-gran). The first error of a single one ends it; those that are so already are
/// none.
int64_t switch_siblings(int64_t (*change)(uint32_t)) {
  const uint32_t threads = host().threads_per_core;
  if (threads == 1) return -XEN_EOPNOTSUPP;
  if (any_pool_schedules_together()) return -XEN_EBUSY;
  for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) {
    const int64_t result = pcpu % threads == 0 ? 0 : change(pcpu);
    if (result != 0 && result != -XEN_EEXIST) return result;
  }
  return 0;
}

int64_t dispatch(const xen_sysctl_cpu_hotplug& op) {
  switch (op.op) {
    case XEN_SYSCTL_CPU_HOTPLUG_ONLINE:
      return online(op.cpu);
    case XEN_SYSCTL_CPU_HOTPLUG_OFFLINE:
      return offline(op.cpu);
    case XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE:
      return switch_siblings(online);
    case XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE:
      return switch_siblings(offline);
    default:
      return -XEN_EOPNOTSUPP;
  }
}

}  // namespace

int64_t sysctl_cpu_hotplug(Sysctl& ctl) {
  int64_t result = 0;
  {
    const LockGuard guard(domain_list().control_lock);
    result = dispatch(ctl.op.u.cpu_hotplug);
  }
  if (result == 0) sched_await_leaves(ctl.call.vcpu);
  return result;
}

}  // namespace hv
