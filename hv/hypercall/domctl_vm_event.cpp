/// XEN_DOMCTL_vm_event_op: the monitor ring. Rings for paging and sharing do not exist.
#include "hv/domain/monitor.hpp"
#include "hv/hypercall/domctl.hpp"

namespace hv {

namespace {

constexpr uint32_t kVersion = 7;  ///< VM_EVENT_INTERFACE_VERSION, which is for tools

int64_t enable(Domctl& ctl) {
  const Result<Port> port = monitor_enable(ctl.target(), ctl.caller().id);
  if (!port.ok()) return port.status().raw();
  ctl.op.u.vm_event_op.u.enable.port = port->raw();
  ctl.copy_back = true;
  return 0;
}

}  // namespace

int64_t domctl_vm_event_op(Domctl& ctl) {
  xen_domctl_vm_event_op& request = ctl.op.u.vm_event_op;
  if (request.op == XEN_VM_EVENT_GET_VERSION) {
    request.u.version = kVersion;
    ctl.copy_back = true;
    return 0;
  }
  if (ctl.on_self() || ctl.target().dying != DyingState::kAlive) return -XEN_EINVAL;
  if (request.mode != XEN_DOMCTL_VM_EVENT_OP_MONITOR) return -XEN_ENOSYS;
  switch (request.op) {
    case XEN_VM_EVENT_ENABLE:
      return enable(ctl);
    case XEN_VM_EVENT_DISABLE:
      return monitor_disable(ctl.target()).raw();
    case XEN_VM_EVENT_RESUME:
      return monitor_resume(ctl.target()).raw();
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace hv
