/// GNTTABOP_setup_table, query_size, get_status_frames, set_version and get_version.
#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/hypercall/grant_table_op.hpp"
#include "hv/mm/m2p.hpp"

namespace hv {

namespace {

/// The table that an operation names. Errors, in order: bad_domain; permission_denied.
GrantStatus find_table(const GrantCall& op, uint16_t id, GrantTable*& table) {
  const Domain* domain = domain_by_any_id(op.caller(), id);
  if (domain == nullptr) return GrantStatus::kBadDomain;
  if (!may_act_on(op.caller(), *domain) && !fault("grant.table_of_anybody")) return GrantStatus::kPermissionDenied;
  table = domain->grants;
  return GrantStatus::kOkay;
}

/// What the guest calls a frame of its table: HVM, where it has mapped it, if anywhere.
xen_pfn_t name_of(const GrantTable& table, Mfn mfn) {
  return table.memory->kind == GuestKind::kHvm ? m2p_get(mfn) : mfn.raw();
}

/// Every frame that can be written is written.
template <typename Handle>
GrantStatus write_frames(const GrantCall& op, const GrantTable& table, const Mfn* frames, uint32_t count,
                         const Handle& list) {
  GrantStatus status = GrantStatus::kOkay;
  for (uint32_t i = 0; i < count; ++i) {
    const xen_pfn_t name = name_of(table, frames[i]);
    if (!write_guest(op.call.space(), handle_address(list) + i * sizeof name, name)) {
      status = GrantStatus::kBadVirtAddr;
    }
  }
  return status;
}

GrantStatus setup(const GrantCall& op, const gnttab_setup_table_t& request) {
  GrantTable* table = nullptr;
  const GrantStatus status = find_table(op, request.dom, table);
  if (status != GrantStatus::kOkay) return status;
  const LockGuard guard(table->lock);
  if (request.nr_frames > table->frames_max || !grant_table_grow(*table, request.nr_frames).ok()) {
    return GrantStatus::kGeneralError;
  }
  return write_frames(op, *table, table->shared.data(), request.nr_frames, request.frame_list);
}

GrantStatus status_frames(const GrantCall& op, const gnttab_get_status_frames_t& request) {
  GrantTable* table = nullptr;
  const GrantStatus status = find_table(op, request.dom, table);
  if (status != GrantStatus::kOkay) return status;
  const LockGuard guard(table->lock);
  if (request.nr_frames > table->status_frames) return GrantStatus::kGeneralError;
  return write_frames(op, *table, table->status.data(), request.nr_frames, request.frame_list);
}

}  // namespace

int64_t gnttab_setup_table(const GrantCall& op) {
  if (op.count != 1) return -XEN_EINVAL;
  gnttab_setup_table_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const Gva list = handle_address(request.frame_list);
  if (!guest_range_ok(op.call.space(), list, request.nr_frames, sizeof(xen_pfn_t))) return -XEN_EFAULT;
  return op.write_status(request, setup(op, request)) ? 0 : -XEN_EFAULT;
}

int64_t gnttab_get_status_frames(const GrantCall& op) {
  if (op.count != 1) return -XEN_EINVAL;
  gnttab_get_status_frames_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const Gva list = handle_address(request.frame_list);
  if (!guest_range_ok(op.call.space(), list, request.nr_frames, sizeof(uint64_t))) return -XEN_EFAULT;
  return op.write_status(request, status_frames(op, request)) ? 0 : -XEN_EFAULT;
}

int64_t gnttab_query_size(const GrantCall& op) {
  if (op.count != 1) return -XEN_EINVAL;
  gnttab_query_size_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  GrantTable* table = nullptr;
  const GrantStatus status = find_table(op, request.dom, table);
  if (status == GrantStatus::kOkay) {
    request.nr_frames = table->frames;
    request.max_nr_frames = table->frames_max;
  }
  request.status = static_cast<int16_t>(status);
  return op.write(request) ? 0 : -XEN_EFAULT;
}

/// The version in force is returned whatever the result.
int64_t gnttab_set_version(const GrantCall& op) {
  gnttab_set_version_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const Status status = grant_set_version(op.table(), request.version);
  request.version = op.table().version;
  return op.write(request) ? status.raw() : -XEN_EFAULT;
}

int64_t gnttab_get_version(const GrantCall& op) {
  gnttab_get_version_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  const Domain* domain = domain_by_any_id(op.caller(), request.dom);
  if (domain == nullptr) return -XEN_ESRCH;
  if (!may_act_on(op.caller(), *domain)) return -XEN_EPERM;
  request.version = domain->grants->version;
  const Gva at = op.list + offsetof(gnttab_get_version_t, version);
  return write_guest(op.call.space(), at, request.version) ? 0 : -XEN_EFAULT;
}

}  // namespace hv
