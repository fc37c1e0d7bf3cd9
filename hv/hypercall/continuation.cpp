/// Long operations stop at preemption points and are executed again later: by the guest's own instruction, or by the
/// rewritten entry of a multicall. What is to be done yet, the arguments of that call say.
#include "hv/base/host.hpp"
#include "hv/hypercall/registers.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

bool Call::preempt_needed() const {
  host().point(host().ctx, ASSAY_POINT_PREEMPT_CHECK, &vcpu);
  const Pcpu& pcpu = sched_pcpu(vcpu.pcpu);
  return upcall_deliverable(vcpu) || pcpu.reschedule || !vcpu_runnable(vcpu) || now() >= pcpu.until;
}

int64_t Call::continue_as(uint32_t other, std::initializer_list<uint64_t> args) {
  vcpu.continuation = true;
  if (vcpu.in_multicall) {
    HV_ASSERT(args.size() <= sizeof vcpu.entry.args / sizeof vcpu.entry.args[0]);
    vcpu.entry.op = other;
    size_t i = 0;
    for (const uint64_t value : args) vcpu.entry.args[i++] = value;
  } else {
    rewind_call(vcpu, other, args);
  }
  return 0;
}

}  // namespace hv
