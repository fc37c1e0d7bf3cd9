/// Hypercalls 29 and 6: what a vCPU asks of the scheduler, and the end of a domain. Source: public/sched.h.
#include "hv/hypercall/sched_op.hpp"

#include <algorithm>
#include <iterator>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/domain/access.hpp"
#include "hv/domain/lifecycle.hpp"
#include "hv/domain/watchdog.hpp"
#include "hv/hypercall/call.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

namespace {

int64_t yield(Call& call) {
  sched_yield(call.vcpu);
  return 0;
}

int64_t block(Call& call) {
  call.vcpu.info->evtchn_upcall_mask = 0;
  vcpu_block(call.vcpu);
  return 0;
}

int64_t shutdown(Call& call) {
  sched_shutdown_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  shutdown_domain(call.domain(), static_cast<uint8_t>(args.reason));
  return 0;
}

int64_t shutdown_code(Call& call) {
  sched_shutdown_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  if (call.domain().shutdown_code < 0) call.domain().shutdown_code = static_cast<uint8_t>(args.reason);
  return 0;
}

int64_t remote_shutdown(Call& call) {
  sched_remote_shutdown_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  Domain* target = domain_by_id(DomId{args.domain_id});
  if (target == nullptr) return -XEN_ESRCH;
  const bool may = is_control(call.domain()) || fault("sched.shutdown_of_anybody");
  if (!may && call.domain().target_of != target->id) return -XEN_EPERM;
  shutdown_domain(*target, static_cast<uint8_t>(args.reason));
  return 0;
}

int64_t watchdog(Call& call) {
  sched_watchdog_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  const Result<uint32_t> id = watchdog_set(call.domain(), args.id, args.timeout, call.vcpu.pcpu);
  return id.ok() ? static_cast<int64_t>(*id) : id.status().raw();
}

/// Errors, in order: EPERM not the hardware domain; EFAULT; EINVAL no such pCPU, or nothing to undo; EBUSY pinned
/// already (measured on 4.17).
int64_t pin_override(Call& call) {
  if (!call.domain().privileged) return -XEN_EPERM;
  sched_pin_override_t args;
  if (!read_guest(call.space(), args, call.pointer(1))) return -XEN_EFAULT;
  if (args.pcpu >= static_cast<int32_t>(host().pcpus)) return -XEN_EINVAL;
  Vcpu& vcpu = call.vcpu;
  if (args.pcpu < 0) {
    if (!vcpu.pin_overridden) return -XEN_EINVAL;
    std::copy(std::begin(vcpu.saved_affinity), std::end(vcpu.saved_affinity), vcpu.hard_affinity);
    vcpu.pin_overridden = false;
  } else {
    if (vcpu.pin_overridden && !fault("sched.nested_pin_forgets_affinity")) return -XEN_EBUSY;
    std::copy(std::begin(vcpu.hard_affinity), std::end(vcpu.hard_affinity), vcpu.saved_affinity);
    vcpu.pin_overridden = true;
    const auto pcpu = static_cast<uint32_t>(args.pcpu);
    std::fill(std::begin(vcpu.hard_affinity), std::end(vcpu.hard_affinity), 0);
    vcpu.hard_affinity[pcpu / 64] = uint64_t{1} << (pcpu % 64);
  }
  sched_affinity_changed(vcpu);
  return 0;
}

}  // namespace

/// -ENOSYS: no such operation.
int64_t do_sched_op(Call& call) {
  switch (static_cast<uint32_t>(call.arg[0])) {
    case SCHEDOP_yield:
      return yield(call);
    case SCHEDOP_block:
      return block(call);
    case SCHEDOP_shutdown:
      return shutdown(call);
    case SCHEDOP_poll:
      return schedop_poll(call);
    case SCHEDOP_remote_shutdown:
      return remote_shutdown(call);
    case SCHEDOP_shutdown_code:
      return shutdown_code(call);
    case SCHEDOP_watchdog:
      return watchdog(call);
    case SCHEDOP_pin_override:
      return pin_override(call);
    default:
      return -XEN_ENOSYS;
  }
}

/// The oldest form: the reason of a shutdown is passed by value.
int64_t do_sched_op_compat(Call& call) {
  switch (static_cast<uint32_t>(call.arg[0])) {
    case SCHEDOP_yield:
      return yield(call);
    case SCHEDOP_block:
      return block(call);
    case SCHEDOP_shutdown:
      shutdown_domain(call.domain(), static_cast<uint8_t>(call.arg[1]));
      return 0;
    default:
      return -XEN_ENOSYS;
  }
}

}  // namespace hv
