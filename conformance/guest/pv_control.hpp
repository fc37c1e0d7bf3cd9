/// The context of a guest's vCPU as its toolstack reads it.
#pragma once

#include "conformance/guest/control_ops.hpp"

namespace assay {

/// XEN_DOMCTL_getvcpucontext; the domain should be paused, or the vCPU at rest. `result` is the domctl's.
inline Called<vcpu_guest_context_t> vcpu_context(Vcpu& control, DomId domain, uint32_t vcpu) {
  const GuestStruct<vcpu_guest_context_t> memory(control);
  auto request = DomctlOps::request(XEN_DOMCTL_getvcpucontext, domain);
  request.u.vcpucontext.vcpu = vcpu;
  set_handle(request.u.vcpucontext.ctxt, memory.va());
  const int64_t result = DomctlOps(control).call(request).result;
  return {result, memory.get()};
}

}  // namespace assay
