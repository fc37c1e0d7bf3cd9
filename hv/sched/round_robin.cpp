#include "hv/sched/round_robin.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/sched.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

Scheduler* RoundRobin::create() {
  auto* policy = arena_new<RoundRobin>();
  if (policy == nullptr) return nullptr;
  policy->queues_ = arena_array<Queue>(host().pcpus);
  policy->pcpus_ = host().pcpus;
  if (policy->queues_ != nullptr) return policy;
  arena_delete(policy);
  return nullptr;
}

void RoundRobin::destroy() {
  arena_array_free(queues_, pcpus_);
  arena_delete(this);
}

Status RoundRobin::put_domain(PolicyDomain& domain, const xen_domctl_scheduler_op& op) {
  constexpr uint16_t kCapUnchanged = 0xffff;
  auto& data = static_cast<RoundRobinDomain&>(domain);
  if (op.u.credit.weight != 0) data.weight = op.u.credit.weight;
  if (op.u.credit.cap != kCapUnchanged) data.cap = op.u.credit.cap;
  return kOk;
}

Status RoundRobin::get_domain(const PolicyDomain& domain, xen_domctl_scheduler_op& op) const {
  const auto& data = static_cast<const RoundRobinDomain&>(domain);
  op.u.credit = {data.weight, data.cap};
  return kOk;
}

Status RoundRobin::put_system(const SystemParameters& parameters) {
  const xen_sysctl_credit_schedule& wanted = parameters.op.u.sched_credit;
  return wanted.tslice_ms == kRoundRobinSlice / kMillisecond && wanted.ratelimit_us == 0 ? kOk : fail(XEN_EINVAL);
}

Status RoundRobin::get_system(const SystemParameters& parameters) const {
  parameters.op.u.sched_credit = {kRoundRobinSlice / kMillisecond, 0, 0};
  return kOk;
}

void RoundRobin::audit(AuditReport& report) const {
  for (uint32_t pcpu = 0; pcpu < pcpus_; ++pcpu) {
    uint32_t length = 0;
    for (const Vcpu* at = queues_[pcpu].head; at != nullptr; at = of(*at).next) {
      ++length;
      report.check(at->pcpu == pcpu && at->sched->waiting, "a vCPU in a queue that is not its own");
    }
    report.check(length == queues_[pcpu].length, "the length of a run queue is wrong");
  }
}

// Equal shares, no caps, round robin among equals: what credit does with default weights.
uint32_t RoundRobin::abi_id() const {
  return XEN_SCHEDULER_CREDIT;
}

uint32_t RoundRobin::place(const Vcpu& vcpu) const {
  const bool last_allowed = may_run_on(vcpu, vcpu.pcpu);
  if (last_allowed && idle(vcpu.pcpu)) return vcpu.pcpu;
  uint32_t best = pcpus_;
  for (uint32_t pcpu = 0; pcpu < pcpus_; ++pcpu) {
    if (!may_run_on(vcpu, pcpu) && !fault("sched.woken_outside_affinity")) continue;
    if (idle(pcpu)) return pcpu;
    if (best == pcpus_ || queues_[pcpu].length < queues_[best].length) best = pcpu;
  }
  HV_ASSERT(best < pcpus_);  // a hard affinity always holds a pCPU
  return last_allowed && queues_[vcpu.pcpu].length <= queues_[best].length ? vcpu.pcpu : best;
}

void RoundRobin::append(uint32_t pcpu, Vcpu& vcpu) {
  HV_ASSERT(!vcpu.sched->waiting);
  Queue& queue = queues_[pcpu];
  vcpu.pcpu = pcpu;
  vcpu.sched->waiting = true;
  of(vcpu).next = nullptr;
  (queue.tail == nullptr ? queue.head : of(*queue.tail).next) = &vcpu;
  queue.tail = &vcpu;
  ++queue.length;
}

void RoundRobin::unqueue(Vcpu& vcpu) {
  Queue& queue = queues_[vcpu.pcpu];
  Vcpu* previous = nullptr;
  Vcpu* at = queue.head;
  while (at != &vcpu) {
    HV_ASSERT(at != nullptr);
    previous = at;
    at = of(*at).next;
  }
  (previous == nullptr ? queue.head : of(*previous).next) = of(vcpu).next;
  if (queue.tail == &vcpu) queue.tail = previous;
  --queue.length;
  vcpu.sched->waiting = false;
  of(vcpu).next = nullptr;
}

void RoundRobin::wake(Vcpu& vcpu, WakeReason /*reason*/) {
  const uint32_t pcpu = place(vcpu);
  append(pcpu, vcpu);
  tickle(pcpu);
}

void RoundRobin::sleep(Vcpu& vcpu) {
  if (vcpu.sched->waiting) unqueue(vcpu);
}

Vcpu* RoundRobin::first_waiting(uint32_t pcpu) {
  while (queues_[pcpu].head != nullptr && !vcpu_runnable(*queues_[pcpu].head)) unqueue(*queues_[pcpu].head);
  return queues_[pcpu].head;
}

Vcpu* RoundRobin::steal(uint32_t pcpu) {
  for (uint32_t step = 1; step < pcpus_; ++step) {
    for (Vcpu* at = queues_[(pcpu + step) % pcpus_].head; at != nullptr; at = of(*at).next) {
      if (vcpu_runnable(*at) && may_run_on(*at, pcpu)) return at;
      if (fault("sched.steal_stops_early")) return nullptr;
    }
  }
  return nullptr;
}

Choice RoundRobin::choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) {
  Queue& queue = queues_[pcpu];
  const bool goes_on = current != nullptr && vcpu_runnable(*current);
  const bool may_stay = goes_on && may_run_on(*current, pcpu);
  const bool slice_over = !fault("sched.slice_never_ends") && now - queue.slice_start >= kRoundRobinSlice;

  Vcpu* next = nullptr;
  Vcpu* waiting = first_waiting(pcpu);
  if (may_stay && (waiting == nullptr || !(yielded || slice_over))) {
    next = current;
  } else {
    next = waiting != nullptr ? waiting : steal(pcpu);
    if (next != nullptr) unqueue(*next);
    queue.current = next;
    queue.slice_start = now;
    if (may_stay) {
      append(pcpu, *current);
    } else if (goes_on && may_run_anywhere(*current)) {
      wake(*current, WakeReason::kRequeued);
    }
  }
  queue.current = next;
  return {next, next != nullptr && queue.head != nullptr ? queue.slice_start + kRoundRobinSlice : kNever};
}

}  // namespace hv
