/// XEN_DOMCTL_shadow_op: log-dirty tracking of HVM domains, and the size of their paging pool.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/domain/pause.hpp"
#include "hv/hypercall/domctl.hpp"
#include "hv/hypercall/scratch.hpp"
#include "hv/mm/log_dirty.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

constexpr uint64_t kFramesPerMb = uint64_t{1} << (20 - kPageShift);
/// Bits that can be asked for at most: what the bitmap's tree has room for on 4.17.
constexpr uint64_t kBitsMax = uint64_t{1} << 42;

Status enable(Domain& domain) {
  if (domain.kind != GuestKind::kHvm) return fail(XEN_EOPNOTSUPP);  // it would take shadow page tables
  const PauseGuard guard(domain);
  return log_dirty_enable(domain.memory);
}

Status disable(Domain& domain) {
  if (domain.kind != GuestKind::kHvm) return fail(XEN_EINVAL);
  const PauseGuard guard(domain);
  log_dirty_disable(domain.memory);
  return kOk;
}

/// Copies the bits of one leaf, and clears them if that is asked for. EFAULT.
Status hand_out(Domctl& ctl, Gva to, uint64_t first, uint64_t bits, bool clean) {
  const uint8_t* leaf = log_dirty_leaf(ctl.target().memory, first);
  const uint64_t bytes = (bits + (fault("logdirty.last_bits_dropped") ? 0 : 7)) / 8;
  if (to != Gva{}) {
    const Gva at = to + first / 8;
    const bool copied =
        leaf != nullptr ? copy_to_guest(ctl.call.space(), at, leaf, bytes) : clear_guest(ctl.call.space(), at, bytes);
    if (!copied) return fail(XEN_EFAULT);
  }
  if (clean) log_dirty_clean_leaf(ctl.target().memory, first);
  return kOk;
}

/// Goes on from `log.done`. False: preempted.
bool hand_out_all(Domctl& ctl, LogDirty& log, uint64_t bits, Status& status) {
  const xen_domctl_shadow_op& op = ctl.op.u.shadow_op;
  const bool clean = op.op == XEN_DOMCTL_SHADOW_OP_CLEAN || fault("logdirty.peek_cleans");
  // Where there can be no frame, nothing is to be done but to write zeros.
  const uint64_t end = handle_address(op.dirty_bitmap) != Gva{} ? bits : std::min(bits, kGfnEnd);
  while (log.done < end) {
    const uint64_t part = std::min(end - log.done, kGfnsPerLeaf);
    status = hand_out(ctl, handle_address(op.dirty_bitmap), log.done, part, clean);
    if (!status.ok()) return true;
    log.done += part;
    if (log.done < end && !fault("logdirty.not_preemptible") && ctl.call.preempt_needed()) return false;
  }
  return true;
}

/// CLEAN and PEEK. The domain stands still from the first call to the last, whatever becomes of the operation.
Status hand_out_bitmap(Domctl& ctl, LogDirty& log) {
  xen_domctl_shadow_op& op = ctl.op.u.shadow_op;
  Domain& domain = ctl.target();
  if (!log.in_progress) {
    pause_domain(domain);
    log.in_progress = true;
    log.by = ctl.caller().id;
    log.operation = op.op;
    log.done = 0;
  }
  op.stats.fault_count = log.faults;
  op.stats.dirty_count = log.dirtied;
  // A bitmap that lacks what could not be marked would lose updates.
  Status status = log.incomplete ? fail(XEN_ENOMEM) : kOk;
  const uint64_t bits = std::min<uint64_t>(op.pages, kBitsMax);
  if (status.ok() && !hand_out_all(ctl, log, bits, status)) {
    ctl.continued = true;
    ctl.copy_back = false;
    return kOk;
  }
  log.in_progress = false;
  if (status.ok()) op.pages = bits;
  if (op.op == XEN_DOMCTL_SHADOW_OP_CLEAN) {
    if (status.ok() && !fault("logdirty.count_not_reset")) log.faults = log.dirtied = 0;
    // A failure may have come after some leaves were cleaned.
    log_dirty_end_of_clean(domain.memory);
  }
  unpause_domain(domain);
  return status;
}

Status bitmap_operation(Domctl& ctl) {
  const xen_domctl_shadow_op& op = ctl.op.u.shadow_op;
  if ((op.mode & ~uint32_t{XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL}) != 0) return fail(XEN_EINVAL);
  LogDirty* log = log_dirty_of(ctl.target().memory);
  return log != nullptr ? hand_out_bitmap(ctl, *log) : fail(XEN_ENOMEM);
}

uint32_t pool_mb(const DomainMemory& memory) {
  return static_cast<uint32_t>((memory.paging_pool_frames + kFramesPerMb - 1) / kFramesPerMb);
}

Status allocation(Domctl& ctl, bool set) {
  if (ctl.target().kind != GuestKind::kHvm) return fail(XEN_EINVAL);
  DomainMemory& memory = ctl.target().memory;
  xen_domctl_shadow_op& op = ctl.op.u.shadow_op;
  if (set) {
    const Status status = set_paging_pool_bytes(memory, op.mb * kFramesPerMb * kPageSize);
    if (!status.ok()) return status;
  }
  op.mb = pool_mb(memory);
  return kOk;
}

Status dispatch(Domctl& ctl) {
  const xen_domctl_shadow_op& op = ctl.op.u.shadow_op;
  switch (op.op) {
    case XEN_DOMCTL_SHADOW_OP_ENABLE:
      if ((op.mode & XEN_DOMCTL_SHADOW_ENABLE_LOG_DIRTY) != 0) return enable(ctl.target());
      break;
    case XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY:
      return enable(ctl.target());
    case XEN_DOMCTL_SHADOW_OP_OFF:
      return disable(ctl.target());
    case XEN_DOMCTL_SHADOW_OP_CLEAN:
    case XEN_DOMCTL_SHADOW_OP_PEEK:
      return bitmap_operation(ctl);
    case XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION:
      return allocation(ctl, false);
    case XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION:
      return allocation(ctl, true);
    default:
      break;
  }
  return fail(XEN_EINVAL);
}

/// An operation that was preempted keeps all others out, but for the one that changes nothing.
bool begins_too_early(const Domctl& ctl) {
  const LogDirty* log = ctl.target().memory.log_dirty;
  const uint32_t operation = ctl.op.u.shadow_op.op;
  const bool under_way = log != nullptr && log->in_progress && operation != XEN_DOMCTL_SHADOW_OP_GET_ALLOCATION;
  return under_way && !(fault("logdirty.second_caller_goes_on") && log->operation == operation);
}

/// The continuation belongs to who was preempted, in what: whoever makes one up is refused.
bool continues_nothing(const Domctl& ctl) {
  const LogDirty* log = ctl.target().memory.log_dirty;
  if (log == nullptr || !log->in_progress) return !fault("logdirty.bogus_continuation_begins");
  if (log->by != ctl.caller().id) return true;
  return log->operation != ctl.op.u.shadow_op.op && !fault("logdirty.continued_as_another");
}

/// A new one, or the continuation. Errors, in order: EINVAL on itself; EINVAL no vCPU; EBUSY; those of the operation.
/// On a domain that is dying nothing is done.
int64_t shadow_op(Domctl& ctl, bool (*is_busy)(const Domctl&)) {
  const Domain& domain = ctl.target();
  ctl.copy_back = true;
  if (ctl.on_self()) return -XEN_EINVAL;
  if (domain.dying != DyingState::kAlive) return 0;
  if (domain.max_vcpus == 0 || domain.vcpus[0] == nullptr) return -XEN_EINVAL;
  if (is_busy(ctl)) return -XEN_EBUSY;
  return dispatch(ctl).raw();
}

}  // namespace

int64_t domctl_shadow_op(Domctl& ctl) {
  return shadow_op(ctl, begins_too_early);
}

int64_t domctl_continue_shadow_op(Domctl& ctl) {
  return shadow_op(ctl, continues_nothing);
}

}  // namespace hv
