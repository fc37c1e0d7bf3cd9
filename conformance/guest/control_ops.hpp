/// domctl and sysctl as one vCPU issues them: the caller's own rights decide what comes back.
#pragma once

#include "conformance/guest/ids.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

class DomctlOps {
 public:
  explicit DomctlOps(Vcpu& vcpu) : memory_(vcpu) {}

  /// A domctl for `command` on `dom` with the interface version of the headers and everything else zero.
  static xen_domctl_t request(uint32_t command, DomId dom);
  Called<xen_domctl_t> call(const xen_domctl_t& request);
  /// For commands without further arguments: pausedomain, unpausedomain, destroydomain.
  Called<xen_domctl_t> call(uint32_t command, DomId dom) { return call(request(command, dom)); }
  Called<xen_domctl_t> domain_info(DomId dom) { return call(XEN_DOMCTL_getdomaininfo, dom); }
  int64_t pause(DomId dom) { return call(XEN_DOMCTL_pausedomain, dom).result; }
  int64_t unpause(DomId dom) { return call(XEN_DOMCTL_unpausedomain, dom).result; }
  /// The limit of a domain's memory.
  int64_t max_mem(DomId dom, uint64_t pages);
  int64_t max_vcpus(DomId dom, uint32_t count);
  Called<xen_domctl_t> vcpu_info(DomId dom, uint32_t vcpu);
  int64_t raw(Gva argument) { return memory_.vcpu().hypercall(__HYPERVISOR_domctl, {argument.raw()}); }

 private:
  Scratch memory_;
};

class SysctlOps {
 public:
  explicit SysctlOps(Vcpu& vcpu) : memory_(vcpu) {}

  /// A sysctl with the interface version of the headers and everything else zero.
  static xen_sysctl_t request(uint32_t command);
  Called<xen_sysctl_t> call(const xen_sysctl_t& request);
  int64_t raw(Gva argument) { return memory_.vcpu().hypercall(__HYPERVISOR_sysctl, {argument.raw()}); }

 private:
  Scratch memory_;
};

}  // namespace assay
