/// Hypercall 36: version, domain, permission, and then which operation. The order of the three is observable.
#include "hv/hypercall/domctl.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/lock.hpp"
#include "hv/domain/access.hpp"
#include "hv/domain/domain_list.hpp"
#include "hv/domain/lifecycle.hpp"

namespace hv {

namespace {

constexpr uint32_t kSoftResetContinued = 23;  ///< no name in the public headers

Status authorise(const Domctl& ctl) {
  const Domain& caller = ctl.caller();
  if (is_control(caller)) return kOk;
  switch (ctl.op.cmd) {
    case XEN_DOMCTL_getdomaininfo:
      return (caller.flags & XEN_DOMCTL_CDF_xs_domain) != 0 || fault("domctl.info_for_anybody") ? kOk : fail(XEN_EPERM);
    case XEN_DOMCTL_iomem_permission:
    case XEN_DOMCTL_memory_mapping:
    case XEN_DOMCTL_set_target:
      return kOk;  // their arguments are looked at before rights (measured on 4.17)
    case XEN_DOMCTL_ioport_mapping:
    case XEN_DOMCTL_bind_pt_irq:
    case XEN_DOMCTL_unbind_pt_irq:
      return may_emulate_for(caller, *ctl.domain) ? kOk : fail(XEN_EPERM);
    default:
      return fail(XEN_EPERM);
  }
}

int64_t dispatch_saved_state(Domctl& ctl) {
  switch (ctl.op.cmd) {
    case XEN_DOMCTL_set_ext_vcpucontext:
      return domctl_set_ext_vcpucontext(ctl);
    case XEN_DOMCTL_get_ext_vcpucontext:
      return domctl_get_ext_vcpucontext(ctl);
    case XEN_DOMCTL_setvcpuextstate:
      return domctl_setvcpuextstate(ctl);
    case XEN_DOMCTL_getvcpuextstate:
      return domctl_getvcpuextstate(ctl);
    case XEN_DOMCTL_set_vcpu_msrs:
      return domctl_set_vcpu_msrs(ctl);
    case XEN_DOMCTL_get_vcpu_msrs:
      return domctl_get_vcpu_msrs(ctl);
    case XEN_DOMCTL_set_cpu_policy:
      return domctl_set_cpu_policy(ctl);
    case XEN_DOMCTL_get_cpu_policy:
      return domctl_get_cpu_policy(ctl);
    default:
      return -XEN_ENOSYS;
  }
}

int64_t dispatch_vcpu_and_memory(Domctl& ctl) {
  switch (ctl.op.cmd) {
    case XEN_DOMCTL_setvcpucontext:
      return domctl_setvcpucontext(ctl);
    case XEN_DOMCTL_getvcpucontext:
      return domctl_getvcpucontext(ctl);
    case XEN_DOMCTL_sethvmcontext:
      return domctl_sethvmcontext(ctl);
    case XEN_DOMCTL_gethvmcontext:
      return domctl_gethvmcontext(ctl);
    case XEN_DOMCTL_gethvmcontext_partial:
      return domctl_gethvmcontext_partial(ctl);
    case XEN_DOMCTL_setvcpuaffinity:
      return domctl_setvcpuaffinity(ctl);
    case XEN_DOMCTL_getvcpuaffinity:
      return domctl_getvcpuaffinity(ctl);
    case XEN_DOMCTL_setnodeaffinity:
      return domctl_setnodeaffinity(ctl);
    case XEN_DOMCTL_getnodeaffinity:
      return domctl_getnodeaffinity(ctl);
    case XEN_DOMCTL_scheduler_op:
      return domctl_scheduler_op(ctl);
    case XEN_DOMCTL_max_mem:
      return domctl_max_mem(ctl);
    case XEN_DOMCTL_set_address_size:
      return domctl_set_address_size(ctl);
    case XEN_DOMCTL_get_address_size:
      return domctl_get_address_size(ctl);
    case XEN_DOMCTL_set_paging_mempool_size:
      return domctl_set_paging_mempool_size(ctl);
    case XEN_DOMCTL_get_paging_mempool_size:
      return domctl_get_paging_mempool_size(ctl);
    case XEN_DOMCTL_hypercall_init:
      return domctl_hypercall_init(ctl);
    case XEN_DOMCTL_shadow_op:
      return domctl_shadow_op(ctl);
    case XEN_DOMCTL_getpageframeinfo3:
      return domctl_getpageframeinfo3(ctl);
    case XEN_DOMCTL_iomem_permission:
      return domctl_iomem_permission(ctl);
    case XEN_DOMCTL_memory_mapping:
      return domctl_memory_mapping(ctl);
    default:
      return dispatch_saved_state(ctl);
  }
}

int64_t dispatch(Domctl& ctl) {
  switch (ctl.op.cmd) {
    case XEN_DOMCTL_createdomain:
      return domctl_createdomain(ctl);
    case XEN_DOMCTL_max_vcpus:
      return domctl_max_vcpus(ctl);
    case XEN_DOMCTL_destroydomain:
      return domctl_destroydomain(ctl);
    case XEN_DOMCTL_pausedomain:
      return domctl_pausedomain(ctl);
    case XEN_DOMCTL_unpausedomain:
      return domctl_unpausedomain(ctl);
    case XEN_DOMCTL_resumedomain:
      return domctl_resumedomain(ctl);
    case XEN_DOMCTL_soft_reset:
    case kSoftResetContinued:
      return domctl_soft_reset(ctl);
    case XEN_DOMCTL_getdomaininfo:
      return domctl_getdomaininfo(ctl);
    case XEN_DOMCTL_getvcpuinfo:
      return domctl_getvcpuinfo(ctl);
    case XEN_DOMCTL_setdomainhandle:
      return domctl_setdomainhandle(ctl);
    case XEN_DOMCTL_setdebugging:
      return domctl_setdebugging(ctl);
    case XEN_DOMCTL_set_target:
      return domctl_set_target(ctl);
    case XEN_DOMCTL_settimeoffset:
      return domctl_settimeoffset(ctl);
    case XEN_DOMCTL_gettscinfo:
      return domctl_gettscinfo(ctl);
    case XEN_DOMCTL_settscinfo:
      return domctl_settscinfo(ctl);
    case XEN_DOMCTL_subscribe:
      return domctl_subscribe(ctl);
    case XEN_DOMCTL_sendtrigger:
      return domctl_sendtrigger(ctl);
    case XEN_DOMCTL_set_virq_handler:
      return domctl_set_virq_handler(ctl);
    case XEN_DOMCTL_vm_event_op:
      return domctl_vm_event_op(ctl);
    default:
      return dispatch_vcpu_and_memory(ctl);
  }
}

/// Whether the operation is about the domain that its argument names.
bool names_domain(uint32_t command) {
  return command != XEN_DOMCTL_createdomain && command != XEN_DOMCTL_gdbsx_guestmemio;
}

/// What goes back to the caller: the argument, and the result or how to go on.
int64_t finish(Domctl& ctl, int64_t result) {
  Call& call = ctl.call;
  if (ctl.copy_back && !write_guest(call.space(), call.pointer(0), ctl.op)) return -XEN_EFAULT;
  if (!ctl.continued) return result;
  // A shadow_op must be told from a new one, which may not begin meanwhile: as on 4.17, another number continues it.
  if (ctl.op.cmd == XEN_DOMCTL_shadow_op) return call.continue_as(__HYPERVISOR_arch_1, {call.arg[0]});
  return call.continue_with({call.arg[0]});
}

}  // namespace

int64_t do_domctl(Call& call) {
  xen_domctl_t op;
  if (!read_guest(call.space(), op, call.pointer(0))) return -XEN_EFAULT;
  if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) return -XEN_EACCES;
  const LockGuard guard(domain_list().control_lock);
  reap_dead_domains();
  Domctl ctl{call, op, names_domain(op.cmd) ? domain_by_id(DomId{op.domain}) : nullptr};
  // Whoever asks about all domains need not name one that exists.
  if (names_domain(op.cmd) && ctl.domain == nullptr && op.cmd != XEN_DOMCTL_getdomaininfo) return -XEN_ESRCH;
  if (const Status status = authorise(ctl); !status.ok()) return status.raw();
  return finish(ctl, dispatch(ctl));
}

/// Hypercall 49: a shadow_op goes on. Errors, in order: EFAULT; EOPNOTSUPP another interface or operation; ESRCH;
/// EPERM; those of domctl_shadow_op.
int64_t do_arch_1(Call& call) {
  xen_domctl_t op;
  if (!read_guest(call.space(), op, call.pointer(0))) return -XEN_EFAULT;
  if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION || op.cmd != XEN_DOMCTL_shadow_op) return -XEN_EOPNOTSUPP;
  const LockGuard guard(domain_list().control_lock);
  reap_dead_domains();
  Domctl ctl{call, op, domain_by_id(DomId{op.domain})};
  if (ctl.domain == nullptr) return -XEN_ESRCH;
  if (!is_control(call.domain())) return -XEN_EPERM;
  return finish(ctl, domctl_continue_shadow_op(ctl));
}

}  // namespace hv
