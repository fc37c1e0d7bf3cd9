/// XEN_DOMCTL_*: one function per operation. The dispatcher (domctl.cpp) has read the argument, checked its version,
/// found the domain and authorised the caller, but for operations that look at their arguments before rights; handlers
/// set `copy_back` when the ABI returns values in the argument.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv {

struct Domctl {
  Call& call;
  xen_domctl_t& op;
  Domain* domain;  ///< null only where the operation names none
  bool copy_back = false;
  bool continued = false;  ///< the operation is not finished: run the hypercall again

  [[nodiscard]] Domain& caller() const { return call.domain(); }
  [[nodiscard]] Domain& target() const { return *domain; }
  [[nodiscard]] bool on_self() const { return domain == &call.domain(); }
  /// The vCPU with that number; null when there is none.
  [[nodiscard]] Vcpu* vcpu(uint32_t id) const { return id < domain->max_vcpus ? domain->vcpus[id] : nullptr; }
};

// Domains come and go.
int64_t domctl_createdomain(Domctl& ctl);
int64_t domctl_max_vcpus(Domctl& ctl);
int64_t domctl_destroydomain(Domctl& ctl);
int64_t domctl_pausedomain(Domctl& ctl);
int64_t domctl_unpausedomain(Domctl& ctl);
int64_t domctl_resumedomain(Domctl& ctl);
int64_t domctl_soft_reset(Domctl& ctl);

// What a domain is and how it is doing.
int64_t domctl_getdomaininfo(Domctl& ctl);
int64_t domctl_getvcpuinfo(Domctl& ctl);
int64_t domctl_setdomainhandle(Domctl& ctl);
int64_t domctl_setdebugging(Domctl& ctl);
int64_t domctl_set_target(Domctl& ctl);
int64_t domctl_settimeoffset(Domctl& ctl);
int64_t domctl_gettscinfo(Domctl& ctl);
int64_t domctl_settscinfo(Domctl& ctl);
int64_t domctl_vm_event_op(Domctl& ctl);

// Its vCPUs.
int64_t domctl_setvcpucontext(Domctl& ctl);
int64_t domctl_getvcpucontext(Domctl& ctl);
int64_t domctl_sethvmcontext(Domctl& ctl);
int64_t domctl_gethvmcontext(Domctl& ctl);
int64_t domctl_gethvmcontext_partial(Domctl& ctl);
int64_t domctl_set_ext_vcpucontext(Domctl& ctl);
int64_t domctl_get_ext_vcpucontext(Domctl& ctl);
int64_t domctl_setvcpuextstate(Domctl& ctl);
int64_t domctl_getvcpuextstate(Domctl& ctl);
int64_t domctl_set_vcpu_msrs(Domctl& ctl);
int64_t domctl_get_vcpu_msrs(Domctl& ctl);
int64_t domctl_set_cpu_policy(Domctl& ctl);
int64_t domctl_get_cpu_policy(Domctl& ctl);
int64_t domctl_setvcpuaffinity(Domctl& ctl);
int64_t domctl_setnodeaffinity(Domctl& ctl);
int64_t domctl_getnodeaffinity(Domctl& ctl);
int64_t domctl_getvcpuaffinity(Domctl& ctl);
int64_t domctl_scheduler_op(Domctl& ctl);

// Its memory.
int64_t domctl_max_mem(Domctl& ctl);
int64_t domctl_set_address_size(Domctl& ctl);
int64_t domctl_get_address_size(Domctl& ctl);
int64_t domctl_set_paging_mempool_size(Domctl& ctl);
int64_t domctl_get_paging_mempool_size(Domctl& ctl);
int64_t domctl_hypercall_init(Domctl& ctl);
int64_t domctl_getpageframeinfo3(Domctl& ctl);
int64_t domctl_iomem_permission(Domctl& ctl);
int64_t domctl_memory_mapping(Domctl& ctl);
int64_t domctl_shadow_op(Domctl& ctl);
/// The same after it was preempted.
int64_t domctl_continue_shadow_op(Domctl& ctl);

// Its events.
int64_t domctl_subscribe(Domctl& ctl);
int64_t domctl_sendtrigger(Domctl& ctl);
int64_t domctl_set_virq_handler(Domctl& ctl);

}  // namespace hv
