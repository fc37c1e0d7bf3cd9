#include "hv/sched/credit2.hpp"

#include <algorithm>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/sched.hpp"
#include "hv/sched/unit.hpp"

namespace hv {

namespace {

/// By how much less the credit of a vCPU counts that lets others run first.
constexpr auto kYieldBias = static_cast<int64_t>(kMillisecond);

}  // namespace

Scheduler* Credit2::create() {
  auto* policy = arena_new<Credit2>();
  if (policy == nullptr) return nullptr;
  policy->machine_pcpus_ = host().pcpus;
  policy->pcpus_ = arena_array<PcpuState>(host().pcpus);
  policy->queues_ = arena_array<Credit2Queue*>(host().pcpus);
  if (policy->pcpus_ != nullptr && policy->queues_ != nullptr) return policy;
  policy->destroy();
  return nullptr;
}

void Credit2::destroy() {
  for (uint32_t i = 0; queues_ != nullptr && i < machine_pcpus_; ++i) arena_delete(queues_[i]);
  arena_array_free(queues_, machine_pcpus_);
  arena_array_free(pcpus_, machine_pcpus_);
  arena_delete(this);
}

PolicyDomain* Credit2::new_domain() {
  return arena_new<Credit2Domain>();
}

void Credit2::free_domain(PolicyDomain& domain) {
  arena_delete(static_cast<Credit2Domain*>(&domain));
}

PolicyUnit* Credit2::new_unit(const Vcpu& /*vcpu*/, PolicyDomain& /*domain*/) {
  return arena_new<Credit2Vcpu>();
}

void Credit2::free_unit(PolicyUnit& data) {
  arena_delete(static_cast<Credit2Vcpu*>(&data));
}

void Credit2::insert(Vcpu& vcpu) {
  ++domain_of(of(vcpu)).vcpus;
  ++vcpu_count_;
}

void Credit2::remove(Vcpu& vcpu) {
  HV_ASSERT(!vcpu.sched->waiting);
  --domain_of(of(vcpu)).vcpus;
  --vcpu_count_;
}

void Credit2::settle(Credit2Vcpu& data, Ns now) {
  Vcpu& vcpu = *data.vcpu;
  Credit2Queue& queue = *place(data, now);
  if (data.queue == nullptr) {
    data.queue = &queue;
    set_credit(data, static_cast<int64_t>(kCredit2Epoch));
  }
  move(data, queue);
  data.waiting = true;
  if (!may_run_on(vcpu, vcpu.pcpu) || pcpus_[vcpu.pcpu].queue != &queue) {
    vcpu.pcpu = 0;
    while (pcpus_[vcpu.pcpu].queue != &queue || !may_run_on(vcpu, vcpu.pcpu)) ++vcpu.pcpu;
  }
  if (!has_budget(data, now)) return park(data);
  end_lone_runs(queue, now);
  enqueue(data, now);
  notify(data, now);
}

void Credit2::wake(Vcpu& vcpu, WakeReason /*reason*/) {
  settle(of(vcpu), now());
  arm_refill();
}

void Credit2::sleep(Vcpu& vcpu) {
  Credit2Vcpu& data = of(vcpu);
  if (!data.waiting) return;
  if (data.parked) {
    unpark(data);
    arm_refill();
  } else {
    dequeue(data, now());
  }
  data.waiting = false;
}

Credit2Vcpu* Credit2::candidate(const Credit2Queue& queue, uint32_t pcpu, Ns now) {
  const bool stops = fault("sched.steal_stops_early");
  const uint64_t here = stops ? ~uint64_t{0} : uint64_t{1} << (pcpu % 64);
  OrderedNode* node = queue.waiting.first_of(here);
  while (node != nullptr) {
    Credit2Vcpu& data = *of(node);
    if (stops && !may_run_on(*data.vcpu, pcpu)) return nullptr;
    // Otherwise its sleep is still to come, or its affinity has just changed.
    bool is_wanted = unit_runnable(*data.vcpu) && may_run_on(*data.vcpu, pcpu);
    if (fault("sched.credit2_sinks_below_idle") && credit(data) < -(int64_t{1} << 30)) is_wanted = false;
    if (is_wanted && has_budget(data, now)) return &data;
    if (is_wanted && fault("sched.credit2_no_budget_ends_scan")) return nullptr;
    node = OrderedSet::next_of(*node, here);
    if (!is_wanted) continue;
    dequeue(data, now);
    park(data);
  }
  return nullptr;
}

bool Credit2::may_go_on(Credit2Vcpu& data, uint32_t pcpu, Ns now) const {
  return unit_runnable(*data.vcpu) && may_run_on(*data.vcpu, pcpu) && has_budget(data, now);
}

/// It ran until now, and somebody else runs in its place.
void Credit2::put_back(Credit2Vcpu& data, Ns now) {
  return_budget(data, now);
  if (unit_runnable(*data.vcpu) && may_run_anywhere(*data.vcpu)) settle(data, now);
}

void Credit2::switch_to(uint32_t pcpu, Credit2Vcpu* next, Ns now) {
  PcpuState& state = pcpus_[pcpu];
  Credit2Queue& queue = *state.queue;
  Credit2Vcpu* previous = state.current;
  if (next != nullptr) {
    dequeue(*next, now);
    move(*next, queue);
    next->waiting = false;
    next->charged_at = now;
  }
  account_load(queue, now);
  queue.running = queue.running + (next != nullptr ? 1 : 0) - (previous != nullptr ? 1 : 0);
  const uint64_t bit = uint64_t{1} << (pcpu % 64);
  (next == nullptr ? queue.idle[pcpu / 64] |= bit : queue.idle[pcpu / 64] &= ~bit);
  state.current = next;
  state.started = now;
  if (previous != nullptr) put_back(*previous, now);
}

Credit2Vcpu* Credit2::rival(const Credit2Queue& queue, uint32_t pcpu) {
  return of(queue.waiting.first_of(uint64_t{1} << (pcpu % 64)));
}

Ns Credit2::turn_ends(uint32_t pcpu, Ns now) const {
  const PcpuState& state = pcpus_[pcpu];
  if (state.current == nullptr) return kNever;
  const Credit2Vcpu& data = *state.current;
  const Credit2Vcpu* waits = rival(*state.queue, pcpu);
  Ns until = waits == nullptr || fault("sched.slice_never_ends") ? kNever : now + slice(data, *waits);
  if (domain_of(data).cap != 0) until = std::min(until, now + static_cast<Ns>(std::max<int64_t>(data.budget, 1)));
  return until;
}

void Credit2::prepare(Credit2Vcpu& data, bool has_rival, Ns now) {
  take_budget(data);
  if (!has_rival) return renew_alone(data);
  if (credit(data) <= 0 && !fault("sched.credit2_epoch_never_ends")) end_epoch(*data.queue, data, now);
}

Credit2Vcpu* Credit2::decide(uint32_t pcpu, bool yielded, Ns now) {
  PcpuState& state = pcpus_[pcpu];
  Credit2Queue& queue = *state.queue;
  Credit2Vcpu* running = state.current;
  if (running != nullptr) charge(*running, now);
  const bool goes_on = running != nullptr && may_go_on(*running, pcpu, now);
  const bool limited = goes_on && !yielded && now - state.started < ratelimit_;

  Credit2Vcpu* next = limited ? running : candidate(queue, pcpu, now);
  if (goes_on && !limited) {
    const int64_t own = credit(*running) - (yielded ? kYieldBias : 0);
    if (next == nullptr || credit(*next) <= own) next = running;
  }
  if (next == nullptr) next = steal(queue, pcpu, now);
  if (next != running) switch_to(pcpu, next, now);
  if (next != nullptr) prepare(*next, rival(queue, pcpu) != nullptr, now);
  balance(queue, now);
  state.until = limited ? std::min(state.started + ratelimit_, turn_ends(pcpu, now)) : turn_ends(pcpu, now);
  return next;
}

Choice Credit2::choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) {
  PcpuState& state = pcpus_[pcpu];
  state.queue->tickled[pcpu / 64] &= ~(uint64_t{1} << (pcpu % 64));
  HV_ASSERT((current == nullptr ? nullptr : &of(*current)) == state.current);
  Credit2Vcpu* next = nullptr;
  do {
    next = decide(pcpu, yielded, now);
    // Who is put aside is known only now. While the timer is set, others may pause whoever was chosen, or keep it from
    // this pCPU: then it was not there, and somebody else is chosen.
    arm_refill();
  } while (next != nullptr && !may_go_on(*next, pcpu, now));
  return {next == nullptr ? nullptr : next->vcpu, state.until};
}

}  // namespace hv
