/// PV contexts of another domain's vCPUs.
#include "hv/domain/context.hpp"
#include "hv/domain/pause.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/hypercall/scratch.hpp"

namespace hv {

int64_t domctl_setvcpucontext(Domctl& ctl) {
  Vcpu* vcpu = ctl.vcpu(ctl.op.u.vcpucontext.vcpu);
  if (ctl.on_self() || vcpu == nullptr) return -XEN_EINVAL;
  if (handle_address(ctl.op.u.vcpucontext.ctxt) == Gva{}) {
    const PauseGuard guard(ctl.target());
    reset_vcpu(*vcpu);
    return 0;
  }
  const Scratch<vcpu_guest_context_t> context;
  if (!context.ok()) return -XEN_ENOMEM;
  if (!read_guest(ctl.call.space(), *context, handle_address(ctl.op.u.vcpucontext.ctxt))) return -XEN_EFAULT;
  if (vcpu->info == nullptr) return -XEN_EINVAL;  // as for the guest's own VCPUOP_initialise
  const PauseGuard guard(ctl.target());
  if (vcpu->pv != nullptr) return set_pv_context(*vcpu, *context).raw();
  set_hvm_general(*vcpu, *context);
  return 0;
}

int64_t domctl_getvcpucontext(Domctl& ctl) {
  Vcpu* vcpu = ctl.vcpu(ctl.op.u.vcpucontext.vcpu);
  if (vcpu == nullptr || vcpu == &ctl.call.vcpu) return -XEN_EINVAL;
  if (!vcpu->initialised) return -XEN_ENODATA;
  const Scratch<vcpu_guest_context_t> context;
  if (!context.ok()) return -XEN_ENOMEM;
  if (vcpu->pv != nullptr) {
    get_pv_context(*vcpu, *context);
  } else {
    get_hvm_general(*vcpu, *context);
  }
  if (!write_guest(ctl.call.space(), handle_address(ctl.op.u.vcpucontext.ctxt), *context)) return -XEN_EFAULT;
  ctl.copy_back = true;
  return 0;
}

}  // namespace hv
