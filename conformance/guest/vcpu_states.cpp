#include "conformance/guest/vcpu_states.hpp"

namespace assay {

void VcpuStateOps::untouched() const {
  if (buffer_.vcpu().fill(buffer_.va(), kBufferBytes, kUntouchedByte)) throw HarnessFault("cannot prepare the buffer");
}

Called<xen_domctl_t> VcpuStateOps::extended(uint32_t vcpu) {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_get_ext_vcpucontext, dom_);
  request.u.ext_vcpucontext.vcpu = vcpu;
  return ops_.call(request);
}

int64_t VcpuStateOps::set_extended(const xen_domctl_ext_vcpucontext& state) {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_ext_vcpucontext, dom_);
  request.u.ext_vcpucontext = state;
  return ops_.call(request).result;
}

Called<xen_domctl_t> VcpuStateOps::xsave(uint32_t vcpu, uint64_t bytes, uint64_t features, Gva buffer) {
  untouched();
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getvcpuextstate, dom_);
  request.u.vcpuextstate.vcpu = vcpu;
  request.u.vcpuextstate.size = bytes;
  request.u.vcpuextstate.xfeature_mask = features;
  set_handle(request.u.vcpuextstate.buffer, buffer);
  return ops_.call(request);
}

int64_t VcpuStateOps::set_xsave(uint32_t vcpu, const std::vector<uint64_t>& words, uint64_t bytes) {
  put(words);
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_setvcpuextstate, dom_);
  request.u.vcpuextstate.vcpu = vcpu;
  request.u.vcpuextstate.size = bytes;
  set_handle(request.u.vcpuextstate.buffer, buffer_.va());
  return ops_.call(request).result;
}

Called<xen_domctl_t> VcpuStateOps::msrs(uint32_t vcpu, uint32_t count, bool with_buffer) {
  untouched();
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_get_vcpu_msrs, dom_);
  request.u.vcpu_msrs.vcpu = vcpu;
  request.u.vcpu_msrs.msr_count = count;
  set_handle(request.u.vcpu_msrs.msrs, with_buffer ? buffer_.va() : Gva{0});
  return ops_.call(request);
}

Called<xen_domctl_t> VcpuStateOps::set_msrs(uint32_t vcpu, const std::vector<xen_domctl_vcpu_msr_t>& entries) {
  put(entries);
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_vcpu_msrs, dom_);
  request.u.vcpu_msrs.vcpu = vcpu;
  request.u.vcpu_msrs.msr_count = static_cast<uint32_t>(entries.size());
  set_handle(request.u.vcpu_msrs.msrs, buffer_.va());
  return ops_.call(request);
}

}  // namespace assay
