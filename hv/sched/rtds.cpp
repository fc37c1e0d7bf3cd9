#include "hv/sched/rtds.hpp"

#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/placement.hpp"
#include "hv/sched/sched.hpp"
#include "hv/sched/unit.hpp"

namespace hv {

namespace {

/// Of pCPUs, as nodes have it: more than 64 share bits.
uint64_t node_mask(const Vcpu& vcpu) {
  uint64_t mask = 0;
  for (size_t i = 0; i < std::size(vcpu.hard_affinity); ++i) mask |= vcpu.hard_affinity[i] & vcpu.pool->resources[i];
  return mask;
}

RtdsVcpu& ready(OrderedNode& node) {
  return static_cast<RtdsVcpu&>(static_cast<RtdsReady&>(node));
}

}  // namespace

Scheduler* Rtds::create() {
  auto* policy = arena_new<Rtds>();
  if (policy == nullptr) return nullptr;
  policy->machine_pcpus_ = host().pcpus;
  policy->pcpus_ = arena_array<PcpuState>(policy->machine_pcpus_);
  if (policy->pcpus_ != nullptr) return policy;
  arena_delete(policy);
  return nullptr;
}

void Rtds::destroy() {
  arena_array_free(pcpus_, machine_pcpus_);
  arena_delete(this);
}

Status Rtds::add_pcpu(uint32_t pcpu) {
  pcpus_[pcpu] = {.member = true, .tickled = false, .current = nullptr};
  if (!pcpus_[timer_pcpu_].member) timer_pcpu_ = pcpu;
  return kOk;
}

void Rtds::remove_pcpu(uint32_t pcpu) {
  HV_ASSERT(pcpus_[pcpu].current == nullptr);
  pcpus_[pcpu] = {};
  for (uint32_t other = 0; other < machine_pcpus_ && !pcpus_[timer_pcpu_].member; ++other) timer_pcpu_ = other;
  arm();
}

bool Rtds::before(const RtdsVcpu& a, const RtdsVcpu& b) {
  return a.level != b.level ? a.level < b.level : a.deadline < b.deadline;
}

/// Levels are in the key with the deadline: to the microsecond, which is all that matters where nothing is promised.
void Rtds::enqueue(RtdsVcpu& data) {
  HV_ASSERT(data.queue == nullptr && !data.depleted());
  constexpr unsigned kLevelShift = 48;
  constexpr Ns kLatest = (Ns{1} << kLevelShift) - 1;
  const Ns extra_key = (Ns{data.level} << kLevelShift) | std::min(data.deadline / kMicrosecond, kLatest);
  RtdsReady& node = data;
  node.key = static_cast<int64_t>(data.level == 0 ? data.deadline : extra_key);
  node.mask = node_mask(*data.vcpu);
  data.queue = data.level == 0 ? &reserved_ : &extra_;
  data.queue->insert(node);
}

void Rtds::dequeue(RtdsVcpu& data) {
  if (data.queue == nullptr) return;
  data.queue->remove(static_cast<RtdsReady&>(data));
  data.queue = nullptr;
}

RtdsVcpu* Rtds::best_for(uint32_t pcpu) const {
  const uint64_t bit = uint64_t{1} << (pcpu % 64);
  for (const OrderedSet* queue : {&reserved_, &extra_}) {
    for (OrderedNode* node = queue->first_of(bit); node != nullptr; node = OrderedSet::next_of(*node, bit)) {
      const Vcpu& vcpu = *ready(*node).vcpu;
      if (unit_runnable(vcpu) && may_run_on(vcpu, pcpu)) return &ready(*node);
    }
  }
  return nullptr;
}

void Rtds::ask(uint32_t pcpu) {
  pcpus_[pcpu].tickled = true;
  tickle(pcpu);
}

void Rtds::notify(const RtdsVcpu& data) {
  constexpr uint32_t kNone = ~uint32_t{0};
  uint32_t worst = kNone;
  for (uint32_t step = 0; step < machine_pcpus_; ++step) {
    const uint32_t pcpu = (data.vcpu->pcpu + step) % machine_pcpus_;
    const PcpuState& state = pcpus_[pcpu];
    const bool asked = state.tickled && !fault("sched.rtds_same_pcpu_asked_twice");
    if (asked || !may_run_on(*data.vcpu, pcpu)) continue;
    if (state.current == nullptr) return ask(pcpu);
    if (worst == kNone || before(*pcpus_[worst].current, *state.current)) worst = pcpu;
  }
  if (worst != kNone && before(data, *pcpus_[worst].current)) ask(worst);
}

void Rtds::insert(Vcpu& vcpu) {
  RtdsVcpu& data = of(vcpu);
  data.deadline = now();  // its first period begins
  static_cast<RtdsDomain*>(data.domain)->vcpus.insert(static_cast<RtdsMember&>(data));
}

void Rtds::remove(Vcpu& vcpu) {
  RtdsVcpu& data = of(vcpu);
  HV_ASSERT(!data.replenishing && data.queue == nullptr);
  static_cast<RtdsDomain*>(data.domain)->vcpus.remove(static_cast<RtdsMember&>(data));
}

void Rtds::wake(Vcpu& vcpu, WakeReason /*reason*/) {
  RtdsVcpu& data = of(vcpu);
  vcpu.pcpu = allowed_pcpu(vcpu);
  data.waiting = true;
  enter_period(data, now());
  start_replenishing(data);
  if (!data.depleted()) {
    enqueue(data);
    notify(data);
  }
  arm();
}

void Rtds::sleep(Vcpu& vcpu) {
  RtdsVcpu& data = of(vcpu);
  if (!data.waiting) return;
  data.waiting = false;
  dequeue(data);
  stop_replenishing(data);
  arm();
}

bool Rtds::may_go_on(const RtdsVcpu& data, uint32_t pcpu) {
  return unit_runnable(*data.vcpu) && may_run_on(*data.vcpu, pcpu) && !data.depleted();
}

void Rtds::put_back(RtdsVcpu& data) {
  Vcpu& vcpu = *data.vcpu;
  if (!unit_runnable(vcpu) || !may_run_anywhere(vcpu)) {
    if (!fault("sched.rtds_sleeper_keeps_replenishing")) stop_replenishing(data);
    return;
  }
  vcpu.pcpu = allowed_pcpu(vcpu);
  data.waiting = true;
  if (data.depleted()) return;
  enqueue(data);
  notify(data);
}

Choice Rtds::choose(uint32_t pcpu, Vcpu* current, bool /*yielded*/, Ns now) {
  PcpuState& state = pcpus_[pcpu];
  RtdsVcpu* running = current == nullptr ? nullptr : &of(*current);
  state.tickled = true;  // it chooses now, whatever is found before
  replenish_due(now);
  // Before anybody is chosen: others may pause a vCPU while the timer is set. What comes later makes it early at most.
  arm();
  if (running != nullptr) charge(*running, now);
  RtdsVcpu* next = best_for(pcpu);
  if (running != nullptr && may_go_on(*running, pcpu) && (next == nullptr || !before(*next, *running))) next = running;
  state.current = next;
  state.tickled = false;
  if (next != nullptr && next != running) {
    dequeue(*next);
    next->waiting = false;
    next->charged_at = now;
  }
  if (running != nullptr && next != running) put_back(*running);
  if (next == nullptr) return {};
  return {next->vcpu, now + next->left};
}

}  // namespace hv
