/// XEN_SYSCTL_*: one function per operation, as for domctl. The dispatcher has checked version and caller.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv {

struct Sysctl {
  Call& call;
  xen_sysctl_t& op;
  bool copy_back = false;
};

int64_t sysctl_physinfo(Sysctl& ctl);
int64_t sysctl_sched_id(Sysctl& ctl);
int64_t sysctl_getdomaininfolist(Sysctl& ctl);
int64_t sysctl_getcpuinfo(Sysctl& ctl);
int64_t sysctl_availheap(Sysctl& ctl);
int64_t sysctl_cpu_hotplug(Sysctl& ctl);
int64_t sysctl_cputopoinfo(Sysctl& ctl);
int64_t sysctl_numainfo(Sysctl& ctl);
int64_t sysctl_cpupool_op(Sysctl& ctl);
int64_t sysctl_scheduler_op(Sysctl& ctl);
int64_t sysctl_get_cpu_policy(Sysctl& ctl);

}  // namespace hv
