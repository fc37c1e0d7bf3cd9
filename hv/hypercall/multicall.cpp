/// Hypercall 13: an array of hypercalls in one. Source: public/xen.h, multicall_entry.
#include "hv/base/fault.hpp"
#include "hv/hypercall/registers.hpp"

namespace hv {

namespace {

enum class Next : uint8_t {
  kGoOn,
  kPreempted,  ///< the entry in guest memory says how to resume
  kLeave,      ///< iret: the guest continues elsewhere
  kFault,
};

/// Executes the entry at `where`, with in_multicall set.
Next execute(Call& batch, Gva where, int64_t& result) {
  Vcpu& vcpu = batch.vcpu;
  multicall_entry_t& entry = vcpu.entry;
  if (!read_guest(batch.space(), entry, where)) return Next::kFault;
  const uint32_t number = entry.op > UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(entry.op);
  Call call{vcpu, number, {entry.args[0], entry.args[1], entry.args[2], entry.args[3], entry.args[4], entry.args[5]}};
  result = hypercall_dispatch(call);
  if (vcpu.continuation) {
    vcpu.continuation = false;
    return fault("multicall.forgets_progress") || write_guest(batch.space(), where, entry) ? Next::kPreempted
                                                                                           : Next::kFault;
  }
  const Gva result_at{where.raw() + offsetof(multicall_entry_t, result)};
  const bool written = write_guest(batch.space(), result_at, result);
  // After iret the address space may be another one: whether the result could be written does not matter.
  if (number == __HYPERVISOR_iret && vcpu.pv != nullptr) return Next::kLeave;
  return written ? Next::kGoOn : Next::kFault;
}

int64_t run_batch(Call& call, Gva list, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const Gva at{list.raw() + i * sizeof(multicall_entry_t)};
    if (i != 0 && call.preempt_needed()) {
      call.vcpu.in_multicall = false;
      const uint32_t done = i - (fault("multicall.resumes_one_early") ? 1 : 0);
      return call.continue_with({list.raw() + done * sizeof(multicall_entry_t), count - done});
    }
    int64_t result = 0;
    call.vcpu.in_multicall = true;
    const Next next = execute(call, at, result);
    call.vcpu.in_multicall = false;
    if (next == Next::kFault) return -XEN_EFAULT;
    if (next == Next::kLeave && !fault("multicall.goes_on_after_iret")) return result;
    if (next == Next::kPreempted) return call.continue_with({at.raw(), count - i});
  }
  return 0;
}

}  // namespace

/// Errors, in order: EINVAL inside a multicall; EFAULT the list cannot be guest memory; EFAULT an entry cannot be read
/// or its result not written, with earlier entries done.
int64_t do_multicall(Call& call) {
  const Gva list = call.pointer(0);
  const auto count = static_cast<uint32_t>(call.arg[1]);
  if (call.vcpu.in_multicall && !fault("multicall.nested")) return -XEN_EINVAL;
  if (!guest_range_ok(call.space(), list, count, sizeof(multicall_entry_t))) return -XEN_EFAULT;
  return run_batch(call, list, count);
}

}  // namespace hv
