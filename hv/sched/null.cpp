#include "hv/sched/null.hpp"

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/placement.hpp"
#include "hv/sched/sched.hpp"
#include "hv/sched/unit.hpp"

namespace hv {

namespace {

bool prefers(const Vcpu& vcpu, uint32_t pcpu) {
  return may_run_on(vcpu, pcpu) && affinity_has(vcpu.soft_affinity, pcpu);
}

}  // namespace

Scheduler* NullScheduler::create() {
  auto* policy = arena_new<NullScheduler>();
  if (policy == nullptr) return nullptr;
  policy->machine_pcpus_ = host().pcpus;
  policy->assigned_ = arena_array<NullVcpu*>(policy->machine_pcpus_);
  if (policy->assigned_ != nullptr) return policy;
  arena_delete(policy);
  return nullptr;
}

void NullScheduler::destroy() {
  arena_array_free(assigned_, machine_pcpus_);
  arena_delete(this);
}

uint32_t NullScheduler::free_pcpu(const Vcpu& vcpu) const {
  uint32_t allowed = NullVcpu::kNone;
  for (uint32_t step = 0; step < machine_pcpus_; ++step) {
    const uint32_t pcpu = (vcpu.pcpu + step) % machine_pcpus_;
    if (assigned_[pcpu] != nullptr || !may_run_on(vcpu, pcpu)) continue;
    if (prefers(vcpu, pcpu)) return pcpu;
    if (allowed == NullVcpu::kNone) allowed = pcpu;
  }
  return allowed;
}

void NullScheduler::assign(NullVcpu& data, uint32_t pcpu) {
  HV_ASSERT(assigned_[pcpu] == nullptr && data.assigned == NullVcpu::kNone);
  assigned_[pcpu] = &data;
  data.assigned = pcpu;
  data.vcpu->pcpu = pcpu;
  tickle(pcpu);
}

NullVcpu* NullScheduler::next_for(uint32_t pcpu) const {
  NullVcpu* allowed = nullptr;
  for (OrderedNode* node = waiting_.first(); node != nullptr; node = OrderedSet::next(*node)) {
    auto& data = static_cast<NullVcpu&>(*node);
    if (!unit_runnable(*data.vcpu) || !may_run_on(*data.vcpu, pcpu)) continue;
    if (prefers(*data.vcpu, pcpu)) return &data;
    if (allowed == nullptr) allowed = &data;
  }
  return allowed;
}

void NullScheduler::dequeue(NullVcpu& data) {
  waiting_.remove(data);
  data.queued = false;
}

void NullScheduler::deassign(NullVcpu& data) {
  const uint32_t pcpu = data.assigned;
  HV_ASSERT(assigned_[pcpu] == &data);
  assigned_[pcpu] = nullptr;
  data.assigned = NullVcpu::kNone;
  NullVcpu* next = next_for(pcpu);
  if (next == nullptr) return;
  dequeue(*next);
  assign(*next, pcpu);
}

void NullScheduler::remove_pcpu(uint32_t pcpu) {
  HV_ASSERT(assigned_[pcpu] == nullptr);  // nobody may run there any more, and all have been told
}

void NullScheduler::remove(Vcpu& vcpu) {
  NullVcpu& data = of(vcpu);
  HV_ASSERT(!data.queued);
  if (data.assigned != NullVcpu::kNone && !fault("sched.null_removal_keeps_pcpu")) deassign(data);
}

void NullScheduler::wake(Vcpu& vcpu, WakeReason /*reason*/) {
  NullVcpu& data = of(vcpu);
  data.waiting = true;
  if (data.assigned != NullVcpu::kNone && !may_run_on(vcpu, data.assigned)) deassign(data);
  if (data.assigned != NullVcpu::kNone) {
    vcpu.pcpu = data.assigned;
    return tickle(data.assigned);
  }
  if (const uint32_t pcpu = free_pcpu(vcpu); pcpu != NullVcpu::kNone) return assign(data, pcpu);
  vcpu.pcpu = allowed_pcpu(vcpu);
  waiting_.insert(data);
  data.queued = true;
}

// Blocked or paused it keeps its pCPU; offline it does not.
void NullScheduler::sleep(Vcpu& vcpu) {
  NullVcpu& data = of(vcpu);
  if (data.queued) dequeue(data);
  data.waiting = false;
  if (data.assigned != NullVcpu::kNone && unit_down(vcpu)) deassign(data);
}

void NullScheduler::affinity_changed(Vcpu& vcpu) {
  NullVcpu& data = of(vcpu);
  if (data.assigned != NullVcpu::kNone && !may_run_on(vcpu, data.assigned)) deassign(data);
}

void NullScheduler::settle(Vcpu& current) {
  if (!unit_runnable(current) || !may_run_anywhere(current)) {
    sleep(current);
  } else {
    wake(current, WakeReason::kRequeued);
  }
}

Choice NullScheduler::choose(uint32_t pcpu, Vcpu* current, bool /*yielded*/, Ns /*now*/) {
  if (current != nullptr) {
    if (unit_runnable(*current) && may_run_on(*current, pcpu) && assigned_[pcpu] == &of(*current)) return {current};
    settle(*current);
  }
  NullVcpu* own = assigned_[pcpu];
  if (own == nullptr || !own->waiting || !unit_runnable(*own->vcpu) || !may_run_on(*own->vcpu, pcpu)) return {};
  own->waiting = false;
  return {own->vcpu};
}

void NullScheduler::audit(AuditReport& report) const {
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    const NullVcpu* data = assigned_[pcpu];
    if (data == nullptr) continue;
    report.check(data->assigned == pcpu && !data->queued, "a pCPU is assigned to a vCPU that does not have it");
    report.check(may_run_on(*data->vcpu, pcpu), "a vCPU has a pCPU where it may not run");
  }
  for (OrderedNode* node = waiting_.first(); node != nullptr; node = OrderedSet::next(*node)) {
    const auto& data = static_cast<const NullVcpu&>(*node);
    report.check(data.queued && data.waiting && data.assigned == NullVcpu::kNone,
                 "a vCPU that has a pCPU waits for one");
    report.check(free_pcpu(*data.vcpu) == NullVcpu::kNone, "a vCPU waits though a pCPU is free");
  }
  report.check(waiting_.consistent(), "the wait queue is out of order");
}

}  // namespace hv
