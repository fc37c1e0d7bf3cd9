/// Hypercall 20: which operation.
#include "hv/hypercall/grant_table_op.hpp"

namespace hv {

namespace {

/// The command proper; what is above carries the progress of GNTTABOP_cache_flush and of nothing else.
constexpr uint32_t kCommandBits = 12;
constexpr uint32_t kCommandMask = (1u << kCommandBits) - 1;

/// Operations that concern machine frames or caches are not for HVM guests.
bool for_hvm_callers(uint32_t command) {
  switch (command) {
    case GNTTABOP_query_size:
    case GNTTABOP_setup_table:
    case GNTTABOP_set_version:
    case GNTTABOP_get_version:
    case GNTTABOP_copy:
    case GNTTABOP_map_grant_ref:
    case GNTTABOP_unmap_grant_ref:
    case GNTTABOP_swap_grant_ref:
      return true;
    default:
      return false;
  }
}

int64_t dispatch(const GrantCall& op, uint32_t position) {
  switch (op.command) {
    case GNTTABOP_map_grant_ref:
      return gnttab_map_grant_ref(op);
    case GNTTABOP_unmap_grant_ref:
      return gnttab_unmap_grant_ref(op);
    case GNTTABOP_setup_table:
      return gnttab_setup_table(op);
    case GNTTABOP_transfer:
      return gnttab_transfer(op);
    case GNTTABOP_copy:
      return gnttab_copy(op);
    case GNTTABOP_query_size:
      return gnttab_query_size(op);
    case GNTTABOP_unmap_and_replace:
      return gnttab_unmap_and_replace(op);
    case GNTTABOP_set_version:
      return gnttab_set_version(op);
    case GNTTABOP_get_status_frames:
      return gnttab_get_status_frames(op);
    case GNTTABOP_get_version:
      return gnttab_get_version(op);
    case GNTTABOP_swap_grant_ref:
      return gnttab_swap_grant_ref(op);
    case GNTTABOP_cache_flush:
      return gnttab_cache_flush(op, position);
    default:
      return -XEN_ENOSYS;  // GNTTABOP_dump_table among them
  }
}

}  // namespace

GrantTable* grants_of(DomId id) {
  const Domain* domain = domain_by_id(id);
  return domain == nullptr ? nullptr : domain->grants;
}

int64_t do_grant_table_op(Call& call) {
  const auto command = static_cast<uint32_t>(call.arg[0]);
  const auto count = static_cast<uint32_t>(call.arg[2]);
  if (call.domain().kind == GuestKind::kHvm && !for_hvm_callers(command)) return -XEN_ENOSYS;
  if (static_cast<int32_t>(count) < 0) return -XEN_EINVAL;
  const uint32_t position = command >> kCommandBits;
  const GrantCall op{call, command & kCommandMask, call.pointer(1), count};
  if (position != 0 && op.command != GNTTABOP_cache_flush) return -XEN_EINVAL;
  return dispatch(op, position);
}

}  // namespace hv
