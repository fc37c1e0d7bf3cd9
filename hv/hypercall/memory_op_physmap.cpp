/// add_to_physmap, its batch form, and remove_from_physmap: an HVM guest's own view of its memory.
#include <limits>

#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/hypercall/memory_op.hpp"
#include "hv/mm/on_demand.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/physmap.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

/// Who may change this domain's mappings with pages of this kind. Errors, in order: EACCES PV64; EACCES device memory,
/// which only a translated hardware domain may map; EPERM.
Status permitted(const Domain& caller, const Domain& target, unsigned space) {
  if (target.kind != GuestKind::kHvm || space == XENMAPSPACE_dev_mmio) return fail(XEN_EACCES);
  return may_act_on(caller, target) || fault("p2m.mapped_for_anybody") ? kOk : fail(XEN_EPERM);
}

Status map_own_frame(DomainMemory& memory, Gfn from, Gfn to) {
  const Result<Mfn> mfn = get_page_from_gfn(memory, from);
  if (!mfn.ok()) return mfn.status();
  if (fault("p2m.moved_frame_not_rechecked")) {
    memory.lock.unlock();
    memory.lock.lock();
  }
  const Status status = physmap_move(memory, *mfn, to);
  put_page(*mfn);
  return status;
}

/// A frame of the grant table, which grows for it, or of the status frames of version 2.
Status map_grant_frame(Domain& target, uint64_t index, Gfn gfn) {
  GrantTable& table = *target.grants;
  const LockGuard guard(table.lock);
  const bool status = table.version > 1 && (index & XENMAPIDX_grant_table_status) != 0;
  const uint64_t number = status ? index & ~uint64_t{XENMAPIDX_grant_table_status} : index;
  if (number > kGrantFramesMax) return fail(XEN_EINVAL);
  const Result<Mfn> mfn = grant_table_frame(table, static_cast<uint32_t>(number), status);
  if (!mfn.ok()) return mfn.status();
  const LockGuard memory_guard(target.memory.lock);
  return physmap_move(target.memory, *mfn, gfn);
}

/// One frame. Errors: EINVAL gpfn of all ones, unknown space, index that names nothing; those of the mapping.
Status add_one(Domain& target, unsigned space, uint64_t index, Gfn gfn) {
  if (gfn == kInvalidGfn) return fail(XEN_EINVAL);
  if (space == XENMAPSPACE_grant_table) return map_grant_frame(target, index, gfn);
  const LockGuard guard(target.memory.lock);
  switch (space) {
    case XENMAPSPACE_shared_info:
      if (index != 0) return fail(XEN_EINVAL);
      return physmap_move(target.memory, target.memory.shared_info, gfn);
    case XENMAPSPACE_gmfn:
    case XENMAPSPACE_gmfn_range:
      return map_own_frame(target.memory, Gfn{index}, gfn);
    case XENMAPSPACE_gmfn_foreign:
      return fail(XEN_EPERM);  // for a translated hardware domain only
    default:
      return fail(XEN_EINVAL);
  }
}

int64_t add_range(const MemoryCall& op, Domain& target, const xen_add_to_physmap_t& request) {
  if (request.size < op.start) return -XEN_EILSEQ;
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  if (request.gpfn > kMax - request.size || request.idx > kMax - request.size) return -XEN_EOVERFLOW;
  for (uint64_t i = op.start; i < request.size; ++i) {
    if (i != op.start && op.call.preempt_needed()) return op.continue_from(i + (fault("p2m.range_loses_one") ? 1 : 0));
    const Status status = add_one(target, request.space, request.idx + i, Gfn{request.gpfn + i});
    if (!status.ok()) return status.raw();
  }
  return 0;
}

}  // namespace

int64_t xenmem_add_to_physmap(const MemoryCall& op) {
  if (op.start > std::numeric_limits<uint16_t>::max()) return -XEN_EDOM;
  xen_add_to_physmap_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  // Single frames carry no domain to take them from.
  if (request.space == XENMAPSPACE_gmfn_foreign) return -XEN_ENOSYS;
  Domain* target = domain_by_any_id(op.caller(), request.domid);
  if (target == nullptr) return -XEN_ESRCH;
  const Status status = permitted(op.caller(), *target, request.space);
  if (!status.ok()) return status.raw();
  if (Gfn{request.gpfn} == kInvalidGfn) return -XEN_EINVAL;
  if (request.space == XENMAPSPACE_gmfn_range) return add_range(op, *target, request);
  return add_one(*target, request.space, request.idx, Gfn{request.gpfn}).raw();
}

namespace {

/// Item `i` of a batch. EFAULT: a list. EINVAL: a place of all ones. Any other error of the item goes into its list.
Status batch_item(const MemoryCall& op, Domain& target, const xen_add_to_physmap_batch_t& request, uint64_t i) {
  const AddressSpace space = op.call.space();
  xen_ulong_t index = 0;
  xen_pfn_t gfn = 0;
  if (!read_guest(space, index, handle_address(request.idxs) + i * sizeof index)) return fail(XEN_EFAULT);
  if (!read_guest(space, gfn, handle_address(request.gpfns) + i * sizeof gfn)) return fail(XEN_EFAULT);
  // The place is looked at before the item is an item.
  if (Gfn{gfn} == kInvalidGfn) return fail(XEN_EINVAL);
  const auto error = static_cast<int>(add_one(target, request.space, index, Gfn{gfn}).raw());
  return write_guest(space, handle_address(request.errs) + i * sizeof error, error) ? kOk : fail(XEN_EFAULT);
}

int64_t run_batch(const MemoryCall& op, Domain& target, const xen_add_to_physmap_batch_t& request) {
  if (request.size < op.start) return -XEN_EILSEQ;
  if (request.size == op.start) return op.start != 0 ? -XEN_EILSEQ : 0;
  const AddressSpace space = op.call.space();
  if (!guest_range_ok(space, handle_address(request.idxs), request.size, sizeof(xen_ulong_t)) ||
      !guest_range_ok(space, handle_address(request.gpfns), request.size, sizeof(xen_pfn_t)) ||
      !guest_range_ok(space, handle_address(request.errs), request.size, sizeof(int))) {
    return -XEN_EFAULT;
  }
  for (uint64_t i = op.start; i < request.size; ++i) {
    if (i != op.start && op.call.preempt_needed()) return op.continue_from(i);
    const Status status = batch_item(op, target, request, i);
    if (!status.ok()) return status.raw();
  }
  return 0;
}

}  // namespace

int64_t xenmem_add_to_physmap_batch(const MemoryCall& op) {
  if (op.start > std::numeric_limits<uint16_t>::max()) return -XEN_EDOM;
  xen_add_to_physmap_batch_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  if (request.space == XENMAPSPACE_gmfn_range) return -XEN_EOPNOTSUPP;
  Domain* target = domain_by_any_id(op.caller(), request.domid);
  if (target == nullptr) return -XEN_ESRCH;
  const Status status = permitted(op.caller(), *target, request.space);
  if (!status.ok()) return status.raw();
  return run_batch(op, *target, request);
}

int64_t xenmem_remove_from_physmap(const MemoryCall& op) {
  if (op.start != 0) return -XEN_EINVAL;
  xen_remove_from_physmap_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  Domain* target = domain_by_any_id(op.caller(), request.domid);
  if (target == nullptr) return -XEN_ESRCH;
  if (target->kind != GuestKind::kHvm) return -XEN_EACCES;
  if (!may_act_on(op.caller(), *target)) return -XEN_EPERM;
  const LockGuard guard(target->memory.lock);
  on_demand_touch(target->memory, Gfn{request.gpfn});
  return stage2_unmap(target->memory, Gfn{request.gpfn}) ? 0 : -XEN_ENOENT;
}

}  // namespace hv
