/// GNTTABOP_map_grant_ref, unmap_grant_ref and unmap_and_replace.
#include <algorithm>
#include <array>

#include "hv/base/fault.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/hypercall/grant_table_op.hpp"

namespace hv {

namespace {

/// Unmapped grants that are given back together, after one flush.
constexpr uint32_t kUnmapBatch = 32;

UnmapRequest request_of(const gnttab_unmap_grant_ref_t& op) {
  return {op.host_addr, op.dev_bus_addr, 0, GrantHandle{op.handle}};
}
UnmapRequest request_of(const gnttab_unmap_and_replace_t& op) {
  return {op.host_addr, 0, op.new_addr, GrantHandle{op.handle}};
}

template <typename T>
bool unmap_one(const GrantCall& op, uint32_t index, PendingUnmap& pending) {
  T request;
  if (!op.read(request, index)) return false;
  const UnmapResult result = grant_unmap(op.mapper(), request_of(request), pending);
  if (result.fatal) crash_domain(op.caller(), "a granted page was unmapped behind the hypervisor's back");
  if (result.status != GrantStatus::kOkay && fault("grant.error_status_not_written")) return true;
  return op.write_status(request, result.status, index);
}

/// Elements [first, end), at most kUnmapBatch of them. False: one could not be read or written.
template <typename T>
bool unmap_batch(const GrantCall& op, uint32_t first, uint32_t end) {
  std::array<PendingUnmap, kUnmapBatch> pending{};
  uint32_t i = first;
  bool accessible = true;
  for (; i < end && accessible; ++i) accessible = unmap_one<T>(op, i, pending[i - first]);
  // Changed entries are flushed as they change: nobody can reach the frames any more.
  for (uint32_t done = first; done < i; ++done) grant_unmap_complete(op.table(), pending[done - first]);
  return accessible;
}

template <typename T>
int64_t unmap_all(const GrantCall& op) {
  if (!op.list_ok<T>()) return -XEN_EFAULT;
  for (uint32_t i = 0; i < op.count; i += kUnmapBatch) {
    if (i != 0 && op.call.preempt_needed()) return op.continue_from<T>(i);
    if (!unmap_batch<T>(op, i, i + std::min(kUnmapBatch, op.count - i))) return -XEN_EFAULT;
  }
  return 0;
}

}  // namespace

int64_t gnttab_map_grant_ref(const GrantCall& op) {
  using Map = gnttab_map_grant_ref_t;
  if (!op.list_ok<Map>()) return -XEN_EFAULT;
  return op.for_each<Map>([&op](Map& map, uint32_t index) {
    const Gva ref_at = op.list + (index * sizeof(Map) + offsetof(Map, ref));
    if (fault("grant.map_reference_read_twice") && !read_guest(op.call.space(), map.ref, ref_at)) return false;
    const MapRequest request{map.host_addr, map.flags, GrantRef{map.ref}};
    const MapResult result = grant_map(op.mapper(), grants_of(DomId{map.dom}), request);
    map.status = static_cast<int16_t>(result.status);
    if (result.status == GrantStatus::kOkay) {
      map.handle = result.handle.raw();
      map.dev_bus_addr = result.mfn.raw() << kPageShift;
    }
    if (result.fatal) crash_domain(op.caller(), "a grant was to be mapped over another one");
    return op.write(map, index);
  });
}

int64_t gnttab_unmap_grant_ref(const GrantCall& op) {
  return unmap_all<gnttab_unmap_grant_ref_t>(op);
}

int64_t gnttab_unmap_and_replace(const GrantCall& op) {
  return unmap_all<gnttab_unmap_and_replace_t>(op);
}

}  // namespace hv
