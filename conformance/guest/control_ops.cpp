#include "conformance/guest/control_ops.hpp"

namespace assay {

xen_domctl_t DomctlOps::request(uint32_t command, DomId dom) {
  xen_domctl_t made{};
  made.cmd = command;
  made.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
  made.domain = dom.raw();
  return made;
}

Called<xen_domctl_t> DomctlOps::call(const xen_domctl_t& request) {
  const int64_t result = raw(memory_.put(request));
  return {result, memory_.get<xen_domctl_t>()};
}

int64_t DomctlOps::max_mem(DomId dom, uint64_t pages) {
  xen_domctl_t made = request(XEN_DOMCTL_max_mem, dom);
  made.u.max_mem.max_memkb = pages * (kPageSize / 1024);
  return call(made).result;
}

int64_t DomctlOps::max_vcpus(DomId dom, uint32_t count) {
  xen_domctl_t made = request(XEN_DOMCTL_max_vcpus, dom);
  made.u.max_vcpus.max = count;
  return call(made).result;
}

Called<xen_domctl_t> DomctlOps::vcpu_info(DomId dom, uint32_t vcpu) {
  xen_domctl_t made = request(XEN_DOMCTL_getvcpuinfo, dom);
  made.u.getvcpuinfo.vcpu = vcpu;
  return call(made);
}

xen_sysctl_t SysctlOps::request(uint32_t command) {
  xen_sysctl_t made{};
  made.cmd = command;
  made.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
  return made;
}

Called<xen_sysctl_t> SysctlOps::call(const xen_sysctl_t& request) {
  const int64_t result = raw(memory_.put(request));
  return {result, memory_.get<xen_sysctl_t>()};
}

}  // namespace assay
