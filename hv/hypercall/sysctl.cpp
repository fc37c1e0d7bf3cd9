/// Hypercall 35: version, permission, and then which operation.
#include "hv/hypercall/sysctl.hpp"

#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/domain/lifecycle.hpp"

namespace hv {

namespace {

int64_t dispatch(Sysctl& ctl) {
  switch (ctl.op.cmd) {
    case XEN_SYSCTL_physinfo:
      return sysctl_physinfo(ctl);
    case XEN_SYSCTL_sched_id:
      return sysctl_sched_id(ctl);
    case XEN_SYSCTL_getdomaininfolist:
      return sysctl_getdomaininfolist(ctl);
    case XEN_SYSCTL_getcpuinfo:
      return sysctl_getcpuinfo(ctl);
    case XEN_SYSCTL_availheap:
      return sysctl_availheap(ctl);
    case XEN_SYSCTL_cpu_hotplug:
      return sysctl_cpu_hotplug(ctl);
    case XEN_SYSCTL_cputopoinfo:
      return sysctl_cputopoinfo(ctl);
    case XEN_SYSCTL_numainfo:
      return sysctl_numainfo(ctl);
    case XEN_SYSCTL_cpupool_op:
      return sysctl_cpupool_op(ctl);
    case XEN_SYSCTL_scheduler_op:
      return sysctl_scheduler_op(ctl);
    case XEN_SYSCTL_get_cpu_policy:
      return sysctl_get_cpu_policy(ctl);
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace

int64_t do_sysctl(Call& call) {
  xen_sysctl_t op;
  if (!read_guest(call.space(), op, call.pointer(0))) return -XEN_EFAULT;
  if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) return -XEN_EACCES;
  if (!is_control(call.domain()) && !fault("sysctl.for_anybody")) return -XEN_EPERM;
  reap_dead_domains();
  Sysctl ctl{call, op};
  const int64_t result = dispatch(ctl);
  if (ctl.copy_back && !write_guest(call.space(), call.pointer(0), op)) return -XEN_EFAULT;
  return result;
}

}  // namespace hv
