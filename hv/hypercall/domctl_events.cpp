/// What a domain, or its owner, is told and by which way.
#include "hv/domain/lifecycle.hpp"
#include "hv/hypercall/domctl.hpp"

namespace hv {

int64_t domctl_subscribe(Domctl& ctl) {
  ctl.target().suspend_port = Port{ctl.op.u.subscribe.port};
  return 0;
}

int64_t domctl_sendtrigger(Domctl& ctl) {
  Vcpu* vcpu = ctl.vcpu(ctl.op.u.sendtrigger.vcpu);
  if (vcpu == nullptr) return -XEN_ESRCH;
  switch (ctl.op.u.sendtrigger.trigger) {
    case XEN_DOMCTL_SENDTRIGGER_NMI:
      vcpu_send_nmi(*vcpu);
      return 0;
    case XEN_DOMCTL_SENDTRIGGER_POWER:
    case XEN_DOMCTL_SENDTRIGGER_SLEEP:
      // The buttons of an HVM guest exist; without power management behind them pressing one does nothing.
      return ctl.target().kind == GuestKind::kHvm ? 0 : -XEN_EINVAL;
    default:
      return -XEN_ENOSYS;
  }
}

int64_t domctl_set_virq_handler(Domctl& ctl) {
  return set_virq_handler(ctl.target(), ctl.op.u.set_virq_handler.virq).raw();
}

}  // namespace hv
