#include "hv/sched/credit.hpp"

#include <algorithm>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/sched.hpp"
#include "hv/sched/unit.hpp"

namespace hv {

Scheduler* Credit::create() {
  auto* policy = arena_new<Credit>();
  if (policy == nullptr) return nullptr;
  policy->machine_pcpus_ = host().pcpus;
  policy->pcpus_ = arena_array<PcpuState>(host().pcpus);
  if (policy->pcpus_ != nullptr) return policy;
  policy->destroy();
  return nullptr;
}

void Credit::destroy() {
  arena_array_free(pcpus_, machine_pcpus_);
  arena_delete(this);
}

PolicyDomain* Credit::new_domain() {
  return arena_new<CreditDomain>();
}

void Credit::free_domain(PolicyDomain& domain) {
  arena_delete(static_cast<CreditDomain*>(&domain));
}

PolicyUnit* Credit::new_unit(const Vcpu& /*vcpu*/, PolicyDomain& /*domain*/) {
  return arena_new<CreditVcpu>();
}

void Credit::free_unit(PolicyUnit& data) {
  arena_delete(static_cast<CreditVcpu*>(&data));
}

void Credit::insert(Vcpu& vcpu) {
  HV_ASSERT(!of(vcpu).active && !vcpu.sched->waiting);
}

void Credit::remove(Vcpu& vcpu) {
  HV_ASSERT(!vcpu.sched->waiting);
  if (of(vcpu).active) deactivate(of(vcpu));
}

Status Credit::add_pcpu(uint32_t pcpu) {
  pcpus_[pcpu].present = true;
  pcpus_[pcpu].asked = false;
  pcpus_[pcpu].until = kNever;
  ++pcpu_count_;
  if (first_active_ != nullptr && account_timer_.timer.deadline == kNever) arm_account(now() + slice_);
  return kOk;
}

void Credit::remove_pcpu(uint32_t pcpu) {
  HV_ASSERT(pcpus_[pcpu].current == nullptr && pcpus_[pcpu].queue.empty());
  pcpus_[pcpu].present = false;
  --pcpu_count_;
  const Ns deadline = account_timer_.timer.deadline;
  if (deadline != kNever) arm_account(deadline);
}

uint32_t Credit::place(const Vcpu& vcpu) const {
  const auto idle = [&](uint32_t pcpu) { return pcpus_[pcpu].current == nullptr && !pcpus_[pcpu].asked; };
  // The lower the better; where it was before, if that is as good.
  const auto cost = [&](uint32_t pcpu) {
    const uint64_t load = idle(pcpu) ? 0 : 1 + pcpus_[pcpu].queue.size();
    return load * 4 + (affinity_has(vcpu.soft_affinity, pcpu) ? 0 : 2) + (pcpu == vcpu.pcpu ? 0 : 1);
  };
  uint32_t best = machine_pcpus_;
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    const bool allowed = may_run_on(vcpu, pcpu);
    if (allowed && (best == machine_pcpus_ || cost(pcpu) < cost(best))) best = pcpu;
  }
  HV_ASSERT(best < machine_pcpus_);  // the mechanism knows of a pCPU where it may run
  return best;
}

void Credit::enqueue(CreditVcpu& data) {
  data.key = data.priority;
  data.mask = 0;
  for (size_t i = 0; i < std::size(data.vcpu->hard_affinity); ++i) data.mask |= data.vcpu->hard_affinity[i];
  pcpus_[data.vcpu->pcpu].queue.insert(data);
  ++queued_;
}

void Credit::dequeue(CreditVcpu& data) {
  pcpus_[data.vcpu->pcpu].queue.remove(data);
  --queued_;
}

void Credit::ask(uint32_t pcpu) {
  pcpus_[pcpu].asked = true;
  tickle(pcpu);
}

void Credit::notify(const CreditVcpu& data) {
  PcpuState& own = pcpus_[data.vcpu->pcpu];
  end_boost(own, now());
  const bool first = own.current == nullptr || data.priority < own.current->priority || own.until == kNever;
  if (first) return ask(data.vcpu->pcpu);
  // Others that thought nobody waits look again when their slice is over.
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    const bool endless = pcpus_[pcpu].present && pcpus_[pcpu].until == kNever && pcpus_[pcpu].current != nullptr;
    if (endless && !pcpus_[pcpu].asked && may_run_on(*data.vcpu, pcpu)) ask(pcpu);
  }
}

void Credit::settle(CreditVcpu& data) {
  data.waiting = true;
  data.vcpu->pcpu = place(*data.vcpu);
  if (data.parked) return;
  enqueue(data);
  notify(data);
}

void Credit::wake(Vcpu& vcpu, WakeReason reason) {
  CreditVcpu& data = of(vcpu);
  // Only who really waited for something is let in first: not who was paused, parked or moved.
  const bool waited = reason == WakeReason::kUnblocked || fault("sched.credit_boost_without_a_wait");
  if (waited && data.priority == CreditVcpu::kUnder) data.priority = CreditVcpu::kBoost;
  settle(data);
}

void Credit::sleep(Vcpu& vcpu) {
  CreditVcpu& data = of(vcpu);
  if (!data.waiting) return;
  if (!data.parked) dequeue(data);
  data.waiting = false;
}

CreditVcpu* Credit::waiting_on(uint32_t queue, uint32_t pcpu) const {
  const uint64_t here = uint64_t{1} << (pcpu % 64);
  for (OrderedNode* node = pcpus_[queue].queue.first_of(here); node != nullptr;
       node = OrderedSet::next_of(*node, here)) {
    // Its sleep is still to come, or its affinity has just changed.
    if (unit_runnable(*of(node)->vcpu) && may_run_on(*of(node)->vcpu, pcpu)) return of(node);
  }
  return nullptr;
}

CreditVcpu* Credit::steal(uint32_t pcpu, const CreditVcpu* best, Ns now) const {
  if (queued_ == pcpus_[pcpu].queue.size()) return nullptr;
  const CreditVcpu* found = best;
  CreditVcpu* stolen = nullptr;
  for (uint32_t step = 1; step < machine_pcpus_; ++step) {
    const uint32_t other = (pcpu + step) % machine_pcpus_;
    CreditVcpu* data = waiting_on(other, pcpu);
    if (data == nullptr || (found != nullptr && data->priority >= found->priority)) continue;
    // It may still be warm in its pCPU's cache; an idle pCPU takes it all the same.
    if (best != nullptr && now - data->left_at < migration_delay_) continue;
    found = stolen = data;
  }
  return stolen;
}

void Credit::switch_to(uint32_t pcpu, CreditVcpu* next, Ns now) {
  PcpuState& state = pcpus_[pcpu];
  CreditVcpu* previous = state.current;
  if (next != nullptr) {
    dequeue(*next);
    next->waiting = false;
    next->charged_at = now;
    if (!next->active) activate(*next);  // its cap counts even if nobody ever makes room for another one
  }
  state.current = next;
  state.started = now;
  if (previous == nullptr) return;
  previous->left_at = now;
  if (previous->priority == CreditVcpu::kBoost) previous->priority = CreditVcpu::kUnder;
  if (unit_runnable(*previous->vcpu) && may_run_anywhere(*previous->vcpu)) settle(*previous);
}

Choice Credit::choose(uint32_t pcpu, Vcpu* current, bool yielded, Ns now) {
  PcpuState& state = pcpus_[pcpu];
  state.asked = false;
  // Before anybody is chosen: others may pause a vCPU while the timer is set.
  expect_account(now);
  CreditVcpu* running = current == nullptr ? nullptr : &of(*current);
  HV_ASSERT(running == state.current);
  if (running != nullptr) charge(*running, now);
  end_boost(state, now);
  const Ns ran = now - state.started;
  const bool goes_on = running != nullptr && !running->parked && unit_runnable(*current) && may_run_on(*current, pcpu);
  const bool limited = goes_on && !yielded && ran < std::min(ratelimit_, slice_);
  const bool slice_over = ran >= slice_;

  CreditVcpu* next = running;
  if (!limited) {
    CreditVcpu* waiting = waiting_on(pcpu, pcpu);
    const CreditVcpu* best = goes_on ? running : nullptr;
    const bool behind = goes_on && (yielded || slice_over);
    const bool turn =
        waiting != nullptr && (!goes_on || yielded || waiting->priority < running->priority + (behind ? 1 : 0));
    if (turn) best = waiting;
    CreditVcpu* stolen = best != nullptr && best->priority != CreditVcpu::kOver ? nullptr : steal(pcpu, best, now);
    next = stolen != nullptr ? stolen : turn ? waiting : goes_on ? running : nullptr;
  }
  if (next != running) switch_to(pcpu, next, now);
  if (next == running && slice_over) state.started = now;
  const bool boosted = next != nullptr && next->priority == CreditVcpu::kBoost;
  state.until = next == nullptr || queued_ == 0 ? kNever : state.started + (boosted ? tick() : slice_);
  if (limited && queued_ != 0) state.until = state.started + std::min(ratelimit_, slice_);
  return {next == nullptr ? nullptr : next->vcpu, state.until};
}

}  // namespace hv
