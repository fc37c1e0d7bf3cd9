/// credit2: what the toolstack sets and reads, and what an audit looks at.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/credit2.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

// In this order: a weight stays set when the cap is refused (measured on 4.17).
Status Credit2::put_domain(PolicyDomain& domain, const xen_domctl_scheduler_op& op) {
  auto& data = static_cast<Credit2Domain&>(domain);
  const Ns time = now();
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    Credit2Vcpu* current = pcpus_[pcpu].current;
    if (current != nullptr && current->domain == &domain) charge(*current, time);
  }
  if (op.u.credit2.weight != 0) data.weight = op.u.credit2.weight;
  if (op.u.credit2.cap > 100 * data.vcpus) return fail(XEN_EINVAL);
  set_cap(data, op.u.credit2.cap, time);
  return kOk;
}

Status Credit2::get_domain(const PolicyDomain& domain, xen_domctl_scheduler_op& op) const {
  const auto& data = static_cast<const Credit2Domain&>(domain);
  op.u.credit2 = {data.weight, data.cap};
  return kOk;
}

/// Answers with what is in effect, as getinfo. EINVAL: neither 0 nor in the range of the header.
Status Credit2::put_system(const SystemParameters& parameters) {
  const uint32_t wanted = parameters.op.u.sched_credit2.ratelimit_us;
  const bool in_range = wanted >= XEN_SYSCTL_SCHED_RATELIMIT_MIN && wanted <= XEN_SYSCTL_SCHED_RATELIMIT_MAX;
  if (wanted != 0 && !in_range) return fail(XEN_EINVAL);
  ratelimit_ = Ns{wanted} * 1000;
  return get_system(parameters);
}

Status Credit2::get_system(const SystemParameters& parameters) const {
  parameters.op.u.sched_credit2.ratelimit_us = static_cast<uint32_t>(ratelimit_ / 1000);
  return kOk;
}

void Credit2::audit(AuditReport& report) const {
  uint32_t pcpu_count = 0;
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    const PcpuState& state = pcpus_[pcpu];
    if (state.queue == nullptr) continue;
    ++pcpu_count;
    report.check(affinity_has(state.queue->pcpus, pcpu), "a pCPU is not in the queue that it uses");
    report.check(affinity_has(state.queue->idle, pcpu) == (state.current == nullptr), "a mask of idle pCPUs is wrong");
    const Vcpu* current = sched_unit_on(pcpu);
    report.check(state.current == (current == nullptr ? nullptr : &of(*current)), "a policy is wrong about who runs");
  }
  report.check(pcpu_count == pcpu_count_, "a count of pCPUs is wrong");
  for (uint32_t i = 0; i < machine_pcpus_ && queues_[i] != nullptr; ++i) {
    const Credit2Queue& queue = *queues_[i];
    report.check(queue.waiting.consistent(), "a run queue is not in order");
    for (OrderedNode* node = queue.waiting.first(); node != nullptr; node = OrderedSet::next(*node)) {
      const Credit2Vcpu& data = *of(node);
      report.check(data.waiting && !data.parked, "a vCPU in a run queue does not wait");
      report.check(data.queue == &queue && pcpus_[data.vcpu->pcpu].queue == &queue,
                   "a vCPU in another pCPU's run queue");
    }
  }
  report.check(refills_.consistent(), "the end of a period is not in order");
  const bool armed = refill_timer_.timer.deadline != kNever;
  report.check(armed != (refills_.empty() || pcpu_count_ == 0), "parked vCPUs, but no timer, or the other way round");
  report.check(!armed || pcpus_[refill_timer_.timer.pcpu].queue != nullptr, "a timer on a pCPU that is not the pool's");
}

}  // namespace hv
