#include "hv/sched/round_robin.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/sched.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

RoundRobin* RoundRobin::create(uint32_t pcpus) {
  auto* policy = arena_new<RoundRobin>();
  if (policy == nullptr) return nullptr;
  policy->queues_ = arena_array<Queue>(pcpus);
  policy->pcpus_ = pcpus;
  return policy->queues_ == nullptr ? nullptr : policy;
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
  HV_ASSERT(!vcpu.queued);
  Queue& queue = queues_[pcpu];
  vcpu.pcpu = pcpu;
  vcpu.queued = true;
  vcpu.run_next = nullptr;
  (queue.tail == nullptr ? queue.head : queue.tail->run_next) = &vcpu;
  queue.tail = &vcpu;
  ++queue.length;
}

void RoundRobin::remove(Vcpu& vcpu) {
  Queue& queue = queues_[vcpu.pcpu];
  Vcpu* previous = nullptr;
  Vcpu* at = queue.head;
  while (at != &vcpu) {
    HV_ASSERT(at != nullptr);
    previous = at;
    at = at->run_next;
  }
  (previous == nullptr ? queue.head : previous->run_next) = vcpu.run_next;
  if (queue.tail == &vcpu) queue.tail = previous;
  --queue.length;
  vcpu.queued = false;
  vcpu.run_next = nullptr;
}

uint32_t RoundRobin::wake(Vcpu& vcpu) {
  const uint32_t pcpu = place(vcpu);
  append(pcpu, vcpu);
  return pcpu;
}

void RoundRobin::sleep(Vcpu& vcpu) {
  if (vcpu.queued) remove(vcpu);
}

Vcpu* RoundRobin::first_waiting(uint32_t pcpu) {
  while (queues_[pcpu].head != nullptr && !vcpu_runnable(*queues_[pcpu].head)) remove(*queues_[pcpu].head);
  return queues_[pcpu].head;
}

Vcpu* RoundRobin::steal(uint32_t pcpu) {
  for (uint32_t step = 1; step < pcpus_; ++step) {
    for (Vcpu* at = queues_[(pcpu + step) % pcpus_].head; at != nullptr; at = at->run_next) {
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
    if (next != nullptr) remove(*next);
    queue.current = next;
    queue.slice_start = now;
    if (may_stay) {
      append(pcpu, *current);
    } else if (goes_on) {
      const uint32_t elsewhere = wake(*current);
      sched_request(elsewhere);
    }
  }
  queue.current = next;
  return {next, next != nullptr && queue.head != nullptr ? queue.slice_start + kRoundRobinSlice : kNever};
}

}  // namespace hv
