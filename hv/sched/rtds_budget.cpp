/// Budgets burn, and come back at the end of each period.
#include <algorithm>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/rtds.hpp"

namespace hv {

namespace {

RtdsVcpu& replenishing(OrderedNode& node) {
  return static_cast<RtdsVcpu&>(static_cast<RtdsReplenishment&>(node));
}

}  // namespace

void Rtds::charge(RtdsVcpu& data, Ns now) {
  if (now <= data.charged_at) return;  // also when the clock stepped back
  Ns ran = now - data.charged_at;
  data.charged_at = now;
  if (ran < data.left) {
    data.left -= ran;
    return;
  }
  ran -= data.left;
  data.left = 0;
  if (!data.extratime) return;
  data.level = static_cast<uint32_t>(std::min<Ns>(data.level + 1 + ran / data.budget, kRtdsLevelMax));
  data.left = data.budget - ran % data.budget;
}

/// What a vCPU has run before the period belongs to the last one.
void Rtds::enter_period(RtdsVcpu& data, Ns now) {
  if (now < data.deadline) return;
  const Ns begin = data.deadline + (now - data.deadline) / data.period * data.period;
  data.deadline = begin + data.period;
  data.left = data.budget;
  data.level = 0;
  if (!fault("sched.rtds_old_run_charged_to_new_period")) data.charged_at = std::max(data.charged_at, begin);
}

void Rtds::start_replenishing(RtdsVcpu& data) {
  HV_ASSERT(!data.replenishing);
  RtdsReplenishment& node = data;
  node.key = static_cast<int64_t>(data.deadline);
  replenishments_.insert(node);
  data.replenishing = true;
}

void Rtds::stop_replenishing(RtdsVcpu& data) {
  replenishments_.remove(static_cast<RtdsReplenishment&>(data));
  data.replenishing = false;
}

void Rtds::arm() {
  const OrderedNode* first = replenishments_.first();
  const Ns wanted = first == nullptr ? kNever : static_cast<Ns>(first->key);
  const Timer& timer = replenish_timer_.timer;
  if (timer.deadline == wanted && (wanted == kNever || timer.pcpu == timer_pcpu_)) return;
  set_timer(replenish_timer_, timer_pcpu_, wanted);
}

/// All get their budget before anybody is notified: who is first depends on the others' deadlines.
void Rtds::replenish_due(Ns now) {
  RtdsVcpu* due = nullptr;
  RtdsVcpu** link = &due;
  for (OrderedNode* node = replenishments_.first(); node != nullptr && static_cast<Ns>(node->key) <= now;
       node = replenishments_.first()) {
    RtdsVcpu& data = replenishing(*node);
    stop_replenishing(data);
    enter_period(data, now);
    start_replenishing(data);
    dequeue(data);
    if (data.waiting) enqueue(data);
    *link = &data;
    link = &data.next;
  }
  *link = nullptr;
  for (const RtdsVcpu* data = due; data != nullptr; data = data->next) {
    if (data->waiting) {
      notify(*data);
      continue;
    }
    const uint32_t pcpu = data->vcpu->pcpu;
    const RtdsVcpu* rival = best_for(pcpu);
    if (!pcpus_[pcpu].tickled && rival != nullptr && before(*rival, *data)) ask(pcpu);
  }
}

void Rtds::timer_fired(PolicyTimer& /*timer*/, Ns now) {
  replenish_due(now);
  arm();
}

}  // namespace hv
