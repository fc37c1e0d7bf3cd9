#include "sim/target/agent/dom0_traces.hpp"

#include "sim/abi/xen.hpp"

namespace assay::agents {

bool leaves_traces(const GuestRequest& request, int64_t result) {
  if (request.op == ASSAY_OP_CALL || request.op == ASSAY_OP_WRMSR || request.op == ASSAY_OP_EXECUTE) return true;
  if (request.op != ASSAY_OP_HYPERCALL) return false;
  switch (request.arg[0]) {
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_set_gdt:
    case __HYPERVISOR_stack_switch:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_update_descriptor:
    case __HYPERVISOR_set_segment_base:
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_set_debugreg:
    case __HYPERVISOR_vm_assist:
    case __HYPERVISOR_iret:
    case __HYPERVISOR_nmi_op:
      return true;
    case __HYPERVISOR_vcpu_op:
      return result == 0 && (request.arg[1] == VCPUOP_register_vcpu_info || request.arg[1] == VCPUOP_initialise);
    case __HYPERVISOR_sched_op:
      return request.arg[1] == SCHEDOP_watchdog;
    default:
      return false;
  }
}

}  // namespace assay::agents
