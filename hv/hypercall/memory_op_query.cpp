/// Operations of memory_op that ask, or that concern what this machine does not have.
#include "hv/domain/access.hpp"
#include "hv/hypercall/memory_op.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/on_demand.hpp"

namespace hv {

int64_t xenmem_maximum_ram_page(const MemoryCall& op) {
  return op.start != 0 ? -XEN_EINVAL : static_cast<int64_t>(frames_total());
}

namespace {

int64_t maximum_gpfn(const Domain& target) {
  if (target.kind == GuestKind::kHvm) return static_cast<int64_t>(target.memory.max_gpfn);
  // What a PV guest publishes is a count.
  const uint64_t count = target.shared_info()->arch.max_pfn;
  return count == 0 ? 0 : static_cast<int64_t>(count - 1);
}

/// The common beginning of operations that name a domain and no extent: the domain, or why not.
Result<Domain*> target_of(const MemoryCall& op, uint16_t id) {
  Domain* target = domain_by_any_id(op.caller(), id);
  if (target == nullptr) return fail(XEN_ESRCH);
  return target;
}

}  // namespace

int64_t xenmem_domain_query(const MemoryCall& op) {
  if (op.start != 0) return -XEN_EINVAL;
  xen_memory_domain request;
  if (!op.read(request)) return -XEN_EFAULT;
  const Result<Domain*> target = target_of(op, request.domid);
  if (!target.ok()) return target.status().raw();
  if (!may_act_on(op.caller(), **target)) return -XEN_EPERM;
  const DomainMemory& memory = (*target)->memory;
  if (op.op == XENMEM_current_reservation) return static_cast<int64_t>(memory.tot_pages);
  if (op.op == XENMEM_maximum_reservation) return static_cast<int64_t>(memory.max_pages);
  return maximum_gpfn(**target);
}

int64_t xenmem_pod_target(const MemoryCall& op) {
  xen_pod_target_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const Result<Domain*> target = target_of(op, request.domid);
  if (!target.ok()) return target.status().raw();
  if ((*target)->kind != GuestKind::kHvm) return -XEN_EINVAL;
  if (!is_control(op.caller())) return -XEN_EPERM;
  DomainMemory& memory = (*target)->memory;
  if (op.op == XENMEM_set_pod_target) {
    if (request.target_pages > memory.max_pages) return -XEN_EINVAL;
    constexpr uint64_t kFramesBetweenChecks = 64;
    uint64_t budget = 0;
    while (budget == 0) {
      budget = kFramesBetweenChecks;
      const LockGuard guard(memory.lock);
      const Status status = on_demand_set_target(memory, request.target_pages, budget);
      if (!status.ok()) return status.raw();
      if (budget == 0 && op.call.preempt_needed()) return op.continue_from(0);
    }
  }
  request.tot_pages = memory.tot_pages;
  request.pod_cache_pages = memory.on_demand_cache.count;
  request.pod_entries = memory.on_demand_entries;
  return op.write(request) ? 0 : -XEN_EFAULT;
}

/// Access rights of single pages take a processor with EPT; no guest here has one.
int64_t xenmem_access_op(const MemoryCall& op) {
  xen_mem_access_op_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const Domain* target = domain_by_id(DomId{request.domid});
  if (target == &op.caller()) return -XEN_EPERM;
  return target == nullptr ? -XEN_ESRCH : -XEN_EINVAL;
}

int64_t xenmem_claim_pages(const MemoryCall& op) {
  if (op.start != 0) return -XEN_EINVAL;
  xen_memory_reservation_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  if (handle_address(request.extent_start) != Gva{}) return -XEN_EINVAL;
  if (request.extent_order != 0 || request.mem_flags != 0) return -XEN_EINVAL;
  Domain* target = domain_by_id(DomId{request.domid});
  if (target == nullptr) return -XEN_EINVAL;
  if (!is_control(op.caller())) return -XEN_EPERM;
  const LockGuard guard(target->memory.lock);
  return claim_frames(target->memory, request.nr_extents).raw();
}

int64_t xenmem_get_vnumainfo(const MemoryCall& op) {
  if (op.start != 0) return -XEN_EINVAL;
  xen_vnuma_topology_info_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  if (request.pad != 0) return -XEN_EINVAL;
  const Result<Domain*> target = target_of(op, request.domid);
  if (!target.ok()) return target.status().raw();
  if (!may_act_on(op.caller(), **target)) return -XEN_EPERM;
  return -XEN_EOPNOTSUPP;  // no domain has a virtual topology
}

int64_t xenmem_reserved_device_memory_map(const MemoryCall& op) {
  if (op.start != 0) return -XEN_EINVAL;
  xen_reserved_device_memory_map_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  if ((request.flags & ~static_cast<uint32_t>(XENMEM_RDM_ALL)) != 0) return -XEN_EINVAL;
  request.nr_entries = 0;
  return op.write(request) ? 0 : -XEN_EFAULT;
}

}  // namespace hv
