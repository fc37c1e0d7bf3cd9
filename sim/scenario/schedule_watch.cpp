#include "sim/scenario/schedule_watch.hpp"

#include <algorithm>

namespace assay::scenario {

using Kind = ScheduleEvent::Kind;
using Notice = ScenarioObserver::Notice;

ScheduleWatch::ScheduleWatch(uint32_t pcpus, const Onlookers& onlookers) : schedule_(pcpus), onlookers_(onlookers) {}

void ScheduleWatch::adopt(uint16_t domid, VcpuIndex first, const std::vector<TimeKeeper*>& vcpus) {
  if (first_of_domain_.size() <= domid) first_of_domain_.resize(domid + 1u, kNoVcpu);
  first_of_domain_[domid] = first;
  const size_t needed = first + vcpus.size();
  if (keepers_.size() < needed) {
    keepers_.resize(needed);
    deadlines_.resize(needed, ASSAY_NEVER);
  }
  std::ranges::copy(vcpus, keepers_.begin() + first);
  if (onlookers_.scenario != nullptr) onlookers_.scenario->on_domain(domid, first);
}

void ScheduleWatch::forget(uint16_t domid) {
  first_of_domain_[domid] = kNoVcpu;
}

VcpuIndex ScheduleWatch::index_of(const assay_run& run) const {
  if (run.mode == ASSAY_MODE_IDLE || run.domid >= first_of_domain_.size()) return kNoVcpu;
  const VcpuIndex first = first_of_domain_[run.domid];
  return first == kNoVcpu ? kNoVcpu : first + run.vcpu_id;
}

void ScheduleWatch::apply(const ScheduleEvent& event) {
  for (Oracle* const oracle : open_) oracle->on(event, schedule_);
  if (onlookers_.scenario != nullptr) onlookers_.scenario->on_schedule(event);
  schedule_.apply(event);
}

void ScheduleWatch::awake(VcpuIndex vcpu, uint64_t now_ns) {
  if (!schedule_.vcpu(vcpu).is_awake) apply({.now_ns = now_ns, .kind = Kind::kWake, .vcpu = vcpu});
}

void ScheduleWatch::blocks(VcpuIndex vcpu, uint64_t now_ns) {
  if (schedule_.vcpu(vcpu).is_awake) apply({.now_ns = now_ns, .kind = Kind::kBlock, .vcpu = vcpu});
}

void ScheduleWatch::arms(VcpuIndex vcpu, uint64_t deadline_ns) {
  deadlines_[vcpu] = deadline_ns;
  if (deadline_ns != ASSAY_NEVER) alarms_.push({deadline_ns, vcpu});
}

void ScheduleWatch::notify(VcpuIndex vcpu, uint64_t now_ns, Notice notice) {
  if (!schedule_.vcpu(vcpu).is_online) return;
  if (onlookers_.scenario != nullptr) onlookers_.scenario->on_notice(now_ns, vcpu, notice);
  awake(vcpu, now_ns);
}

void ScheduleWatch::is_sent_to(VcpuIndex vcpu, uint64_t now_ns) {
  notify(vcpu, now_ns, Notice::kSignal);
}

void ScheduleWatch::yields(VcpuIndex vcpu, uint64_t now_ns) {
  if (onlookers_.scenario != nullptr) onlookers_.scenario->on_notice(now_ns, vcpu, Notice::kYield);
}

void ScheduleWatch::ring(uint64_t now_ns) {
  while (!alarms_.empty() && alarms_.top().deadline_ns <= now_ns) {
    const Alarm alarm = alarms_.top();
    alarms_.pop();
    if (deadlines_[alarm.vcpu] != alarm.deadline_ns) continue;
    deadlines_[alarm.vcpu] = ASSAY_NEVER;
    notify(alarm.vcpu, std::max(alarm.deadline_ns, awake_from_ns_), Notice::kTimer);
  }
}

void ScheduleWatch::open(Oracle& oracle, uint64_t now_ns) {
  ring(now_ns);
  oracle.begin(schedule_, now_ns);
  open_.push_back(&oracle);
}

void ScheduleWatch::close(Oracle& oracle, uint64_t now_ns) {
  ring(now_ns);
  oracle.end(schedule_, now_ns);
  std::erase(open_, &oracle);
}

void ScheduleWatch::on_core_event(uint64_t now_ns, uint32_t pcpu, uint32_t id, std::span<const uint64_t> words) {
  if (onlookers_.machine != nullptr) onlookers_.machine->on_core_event(now_ns, pcpu, id, words);
}

void ScheduleWatch::on_sleep(uint64_t from_ns, uint64_t until_ns) {
  if (onlookers_.machine != nullptr) onlookers_.machine->on_sleep(from_ns, until_ns);
  ring(from_ns);
  awake_from_ns_ = until_ns;
  std::vector<VcpuIndex> held;
  for (VcpuIndex vcpu = 0; vcpu < schedule_.vcpus(); ++vcpu) {
    if (schedule_.vcpu(vcpu).is_online && !schedule_.vcpu(vcpu).is_paused) held.push_back(vcpu);
  }
  for (const VcpuIndex vcpu : held) apply({.now_ns = from_ns, .kind = Kind::kPause, .vcpu = vcpu});
  for (const VcpuIndex vcpu : held) apply({.now_ns = until_ns, .kind = Kind::kUnpause, .vcpu = vcpu});
}

void ScheduleWatch::on_exit(uint64_t now_ns, uint32_t pcpu, const assay_run& run, const assay_exit& exit) {
  if (onlookers_.machine != nullptr) onlookers_.machine->on_exit(now_ns, pcpu, run, exit);
  ring(now_ns);
  if (sharing_ != nullptr && pcpu < schedule_.pcpus()) sharing_->left(now_ns, pcpu);
  const VcpuIndex vcpu = index_of(run);
  if (vcpu != kNoVcpu) keepers_[vcpu]->left(now_ns);
}

void ScheduleWatch::on_entry(uint64_t now_ns, uint32_t pcpu, const assay_run& run) {
  if (onlookers_.machine != nullptr) onlookers_.machine->on_entry(now_ns, pcpu, run);
  if (pcpu >= schedule_.pcpus()) return;
  const VcpuIndex next = index_of(run);
  const VcpuIndex before = schedule_.running_on(pcpu);
  if (sharing_ != nullptr && next != kNoVcpu) sharing_->entered(now_ns, pcpu, next, run.vcpu_id);
  if (sharing_ != nullptr && next == kNoVcpu) sharing_->idles(now_ns, pcpu);
  if (next == before) return;
  ++switches_;
  if (before != kNoVcpu) {
    apply({.now_ns = now_ns, .kind = Kind::kLeave, .vcpu = before, .pcpu = pcpu});
    if (keepers_[before]->sleeps_when_it_leaves()) blocks(before, now_ns);
  }
  if (next == kNoVcpu) return;
  // Where it ran before is still on its way out, inside the hypervisor.
  const uint32_t elsewhere = schedule_.vcpu(next).pcpu;
  if (elsewhere != PcpuSet::kNone) apply({.now_ns = now_ns, .kind = Kind::kLeave, .vcpu = next, .pcpu = elsewhere});
  awake(next, now_ns);
  apply({.now_ns = now_ns, .kind = Kind::kRun, .vcpu = next, .pcpu = pcpu});
}

}  // namespace assay::scenario
