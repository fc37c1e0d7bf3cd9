/// Hypercall 12: which operation.
#include "hv/hypercall/memory_op.hpp"

namespace hv {

namespace {

/// Operations that HVM guests do not have. Source: public/memory.h; they concern machine addresses.
bool pv_only(uint32_t op) {
  return op == XENMEM_machine_memory_map || op == XENMEM_machphys_mapping;
}

/// Operations of the x86 part of the interface: none of them is continued by a start extent, so the whole command has
/// to match and any other is unknown.
bool never_continued(uint32_t op) {
  switch (op) {
    case XENMEM_machphys_mfn_list:
    case XENMEM_machphys_mapping:
    case XENMEM_machphys_compat_mfn_list:
    case XENMEM_memory_map:
    case XENMEM_set_memory_map:
    case XENMEM_machine_memory_map:
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target:
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
      return true;
    default:
      return false;
  }
}

int64_t dispatch(const MemoryCall& op) {
  switch (op.op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
      return xenmem_reservation(op);
    case XENMEM_exchange:
      return xenmem_exchange(op);
    case XENMEM_maximum_ram_page:
      return xenmem_maximum_ram_page(op);
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
      return xenmem_domain_query(op);
    case XENMEM_machphys_mfn_list:
      return xenmem_machphys_mfn_list(op);
    case XENMEM_machphys_mapping:
      return xenmem_machphys_mapping(op);
    case XENMEM_machphys_compat_mfn_list:
      return -XEN_EOPNOTSUPP;  // no 32-bit PV guests
    case XENMEM_add_to_physmap:
      return xenmem_add_to_physmap(op);
    case XENMEM_add_to_physmap_batch:
      return xenmem_add_to_physmap_batch(op);
    case XENMEM_remove_from_physmap:
      return xenmem_remove_from_physmap(op);
    case XENMEM_memory_map:
      return xenmem_memory_map(op);
    case XENMEM_set_memory_map:
      return xenmem_set_memory_map(op);
    case XENMEM_machine_memory_map:
      return xenmem_machine_memory_map(op);
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target:
      return xenmem_pod_target(op);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
      return 0;  // nothing is ever shared between guests
    case XENMEM_access_op:
      return xenmem_access_op(op);
    case XENMEM_claim_pages:
      return xenmem_claim_pages(op);
    case XENMEM_get_vnumainfo:
      return xenmem_get_vnumainfo(op);
    case XENMEM_reserved_device_memory_map:
      return xenmem_reserved_device_memory_map(op);
    case XENMEM_acquire_resource:
      return xenmem_acquire_resource(op);
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace

int64_t MemoryCall::continue_from(uint64_t done) const {
  return call.continue_with({op | done << kMemoryOpStartShift, argument.raw()});
}

int64_t do_memory_op(Call& call) {
  const MemoryCall op{call, static_cast<uint32_t>(call.arg[0] & kMemoryOpMask), call.arg[0] >> kMemoryOpStartShift,
                      call.pointer(1)};
  if (call.domain().kind == GuestKind::kHvm && pv_only(op.op)) return -XEN_ENOSYS;
  if (op.start != 0 && never_continued(op.op)) return -XEN_ENOSYS;
  return dispatch(op);
}

}  // namespace hv
