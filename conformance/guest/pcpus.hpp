/// pCPUs of the machine, as dom0 takes them offline and asks for them.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/scratch.hpp"

namespace assay {

/// What the toolstack is told of pCPUs, and cpu_hotplug.
class Pcpus {
 public:
  explicit Pcpus(CaseContext& c) : c_(c), control_(c.dom0().vcpu(0)), list_(c.dom0().vcpu(0)) {}

  /// cpu_hotplug; tried again while something there is busy in the hypervisor.
  int64_t hotplug(uint32_t op, uint32_t pcpu) {
    constexpr int kTriesMax = 20;
    int64_t result = -XEN_EBUSY;
    for (int tries = 0; tries < kTriesMax && result == -XEN_EBUSY; ++tries) {
      result = hotplug_once(op, pcpu);
      if (result == -XEN_EBUSY) c_.target().pass_time(1'000'000);
    }
    return result;
  }
  int64_t offline(uint32_t pcpu) { return hotplug(XEN_SYSCTL_CPU_HOTPLUG_OFFLINE, pcpu); }
  int64_t online(uint32_t pcpu) { return hotplug(XEN_SYSCTL_CPU_HOTPLUG_ONLINE, pcpu); }

  [[nodiscard]] xen_sysctl_physinfo physinfo() {
    return control_.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo;
  }
  /// Its record of cputopoinfo.
  [[nodiscard]] xen_sysctl_cputopo_t place(uint32_t pcpu) {
    xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_cputopoinfo);
    request.u.cputopoinfo.num_cpus = pcpu + 1;
    set_handle(request.u.cputopoinfo.cputopo, list_.va());
    c_.require_eq(control_.call(request).result, 0, "cputopoinfo");
    return list_.get<xen_sysctl_cputopo_t>(pcpu * sizeof(xen_sysctl_cputopo_t));
  }
  /// How many records of idle time getcpuinfo has, with room for those up to that of `pcpu`.
  [[nodiscard]] uint32_t idle_records(uint32_t pcpu) {
    xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_getcpuinfo);
    request.u.getcpuinfo.max_cpus = pcpu + 1;
    set_handle(request.u.getcpuinfo.info, list_.va());
    const auto called = control_.call(request);
    c_.require_eq(called.result, 0, "getcpuinfo");
    return called.arg.u.getcpuinfo.nr_cpus;
  }

 private:
  int64_t hotplug_once(uint32_t op, uint32_t pcpu) {
    xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_cpu_hotplug);
    request.u.cpu_hotplug.cpu = pcpu;
    request.u.cpu_hotplug.op = op;
    return control_.call(request).result;
  }
  CaseContext& c_;
  SysctlOps control_;
  Scratch list_;
};

/// Takes the pCPU offline, and brings it back at the end, whatever the case does in between.
class OfflinePcpu {
 public:
  OfflinePcpu(CaseContext& c, Pcpus& pcpus, uint32_t pcpu) : c_(c), pcpus_(pcpus), pcpu_(pcpu) {
    c.require_eq(pcpus.offline(pcpu), 0, "taking pCPU " + show(pcpu) + " offline");
  }
  ~OfflinePcpu() { c_.check_eq(pcpus_.online(pcpu_), 0, "bringing it back"); }
  OfflinePcpu(const OfflinePcpu&) = delete;
  OfflinePcpu& operator=(const OfflinePcpu&) = delete;

 private:
  CaseContext& c_;
  Pcpus& pcpus_;
  uint32_t pcpu_;
};

}  // namespace assay
