/// XENMEM_acquire_resource: frames of a domain's grant table, for its toolstack to map.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/domain/access.hpp"
#include "hv/hypercall/memory_op.hpp"
#include "hv/mm/page_refs.hpp"

namespace hv {

namespace {

/// Frames that are handed out before the next look for events.
constexpr uint32_t kFramesBetweenChecks = 32;

bool is_status(const xen_mem_acquire_resource_t& request) {
  return request.id == XENMEM_resource_grant_table_id_status;
}

/// How large the resource can get; 0: there is none of that kind.
uint32_t frames_of(const Domain& target, const xen_mem_acquire_resource_t& request) {
  if (request.type == XENMEM_resource_ioreq_server && target.kind == GuestKind::kHvm) {
    // Pages of a request server: one for the vCPUs (32 bytes each), one for buffered requests. No server exists.
    constexpr uint32_t kVcpusPerPage = kPageSize / 32;
    return 1 + (target.max_vcpus + kVcpusPerPage - 1) / kVcpusPerPage;
  }
  // There are no traces: no other resource has a size.
  if (request.type != XENMEM_resource_grant_table) return 0;
  if (is_status(request)) return status_frames_for(target.grants->frames_max);
  return request.id == XENMEM_resource_grant_table_id_shared ? target.grants->frames_max : 0;
}

/// Writes the numbers of frames [first, first + count) to the list from `slot` on.
Status hand_out(const MemoryCall& op, const Domain& target, const xen_mem_acquire_resource_t& request, uint64_t slot,
                uint32_t count) {
  GrantTable& table = *target.grants;
  const LockGuard guard(table.lock);
  const uint64_t first = request.frame + slot;
  const uint64_t end = first + count;
  // The table grows once, for the last of them, so that nothing has changed when that fails.
  if (end > kGrantFramesMax) return fail(XEN_EINVAL);
  const Result<Mfn> last = grant_table_frame(table, static_cast<uint32_t>(end - 1), is_status(request));
  if (!last.ok()) return last.status();
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t index = first + i;
    const xen_pfn_t frame = (is_status(request) ? table.status[index] : table.shared[index]).raw();
    if (!write_guest(op.call.space(), handle_address(request.frame_list) + (slot + i) * sizeof frame, frame)) {
      if (fault("memory.acquire_fault_leaks")) get_page_and_owner(Mfn{frame});
      return fail(XEN_EFAULT);
    }
  }
  return kOk;
}

int64_t run(const MemoryCall& op, const Domain& target, const xen_mem_acquire_resource_t& request) {
  if (op.start >= request.nr_frames || request.nr_frames > kMemoryOpExtentsMax) return -XEN_EINVAL;
  if (request.type != XENMEM_resource_grant_table) return -XEN_EINVAL;
  uint64_t done = op.start;
  while (done < request.nr_frames) {
    if (done != op.start && op.call.preempt_needed()) return op.continue_from(done);
    const auto count = static_cast<uint32_t>(std::min<uint64_t>(request.nr_frames - done, kFramesBetweenChecks));
    const Status status = hand_out(op, target, request, done, count);
    // Once some were handed out, the rest is a failure of another kind.
    if (!status.ok()) return done == 0 || status == fail(XEN_EFAULT) ? status.raw() : -XEN_EIO;
    done += count;
  }
  return 0;
}

}  // namespace

/// Errors, in order: EACCES translated caller; EFAULT; EINVAL pad or a range beyond 32 bits; ESRCH or EPERM no domain
/// to take it from; EPERM not privileged; EOPNOTSUPP unknown type; EINVAL no such resource; EINVAL a size was asked for
/// and given, no frames, too many, or frames beyond the limit; EIO the same later on.
int64_t xenmem_acquire_resource(const MemoryCall& op) {
  if (op.caller().kind == GuestKind::kHvm) return -XEN_EACCES;
  xen_mem_acquire_resource_t request;
  if (!op.read(request)) return -XEN_EFAULT;
  if (request.pad != 0) return -XEN_EINVAL;
  if (request.frame > UINT32_MAX || request.frame + request.nr_frames > UINT32_MAX) return -XEN_EINVAL;
  Domain* target = domain_by_id(DomId{request.domid});
  if (target == &op.caller()) return -XEN_EPERM;
  if (target == nullptr) return -XEN_ESRCH;
  if (!may_act_on(op.caller(), *target) && !fault("memory.acquire_from_anybody")) return -XEN_EPERM;
  if (request.type > XENMEM_resource_vmtrace_buf) return -XEN_EOPNOTSUPP;
  const uint32_t size = frames_of(*target, request);
  if (size == 0) return -XEN_EINVAL;
  if (handle_address(request.frame_list) != Gva{}) return run(op, *target, request);
  if (request.nr_frames != 0 || op.start != 0) return -XEN_EINVAL;
  request.nr_frames = size;
  const Gva at = op.argument + offsetof(xen_mem_acquire_resource_t, nr_frames);
  return write_guest(op.call.space(), at, request.nr_frames) ? 0 : -XEN_EFAULT;
}

}  // namespace hv
