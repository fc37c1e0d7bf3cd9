/// Hypercall 7: of the machine's platform, suspending it is all that there is. Source: public/platform.h.
#include "hv/domain/access.hpp"
#include "hv/domain/suspend.hpp"
#include "hv/hypercall/call.hpp"
#include "sim/abi/xen_services.hpp"

namespace hv {

namespace {

/// Errors, in order: EINVAL flags, or no such state; EOPNOTSUPP a state other than S3, suspend to memory; EBUSY.
int64_t enter_acpi_sleep(Call& call, const xenpf_enter_acpi_sleep& sleep) {
  constexpr uint32_t kLastState = 5;
  constexpr uint32_t kSuspendToMemory = 3;
  if (sleep.flags != 0 || sleep.sleep_state == 0 || sleep.sleep_state > kLastState) return -XEN_EINVAL;
  if (sleep.sleep_state != kSuspendToMemory) return -XEN_EOPNOTSUPP;
  return suspend_machine(call.domain(), call.vcpu).raw();
}

}  // namespace

int64_t do_platform_op(Call& call) {
  xen_platform_op_t op;
  if (!read_guest(call.space(), op, call.pointer(0))) return -XEN_EFAULT;
  if (op.interface_version != XENPF_INTERFACE_VERSION) return -XEN_EACCES;
  if (!is_control(call.domain())) return -XEN_EPERM;
  return op.cmd == XENPF_enter_acpi_sleep ? enter_acpi_sleep(call, op.u.enter_acpi_sleep) : -XEN_ENOSYS;
}

}  // namespace hv
