#include "hv/sched/arinc653.hpp"

#include <algorithm>
#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/sched/placement.hpp"
#include "hv/sched/sched.hpp"
#include "hv/sched/unit.hpp"

namespace hv {

Scheduler* Arinc653::create() {
  auto* policy = arena_new<Arinc653>();
  if (policy == nullptr) return nullptr;
  policy->machine_pcpus_ = host().pcpus;
  policy->pcpus_ = arena_array<PcpuState>(policy->machine_pcpus_);
  if (policy->pcpus_ != nullptr) {
    for (uint32_t pcpu = 0; pcpu < policy->machine_pcpus_; ++pcpu) new (&policy->pcpus_[pcpu]) PcpuState{};
    return policy;
  }
  arena_delete(policy);
  return nullptr;
}

void Arinc653::destroy() {
  arena_array_free(pcpus_, machine_pcpus_);
  arena_delete(this);
}

Status Arinc653::add_pcpu(uint32_t pcpu) {
  pcpus_[pcpu].member = true;
  return kOk;
}

void Arinc653::remove_pcpu(uint32_t pcpu) {
  pcpus_[pcpu].member = false;
  set_timer(pcpus_[pcpu].turn, pcpu, kNever);
}

bool Arinc653::names(const Entry& entry, const PolicyUnit& data) {
  return data.vcpu->id == entry.vcpu_id && *data.domain->domain->handle == entry.handle;
}

Vcpu* Arinc653::find(const Entry& entry) const {
  for (OrderedNode* node = vcpus_.first(); node != nullptr; node = OrderedSet::next(*node)) {
    const auto& data = static_cast<const ArincVcpu&>(*node);
    if (names(entry, data)) return data.vcpu;
  }
  return nullptr;
}

void Arinc653::begin() {
  frame_start() = hv::now();
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    if (pcpus_[pcpu].member) tickle(pcpu);
  }
}

/// Domain 0 has to run before anybody can set a table: each of its vCPUs has a place in the first one.
void Arinc653::add_default(const Vcpu& vcpu) {
  if (entries_ == std::size(table_)) return;
  table_[entries_++] = {*vcpu.sched->domain->domain->handle, vcpu.id, kArincDefaultRuntime, nullptr};
  major_frame_ += kArincDefaultRuntime;
  begin();
}

void Arinc653::insert(Vcpu& vcpu) {
  const SchedDomain& domain = *vcpu.sched->domain->domain;
  vcpus_.insert(*static_cast<ArincVcpu*>(vcpu.sched));
  if (domain.id == DomId{0}) add_default(vcpu);
  for (uint32_t i = 0; i < entries_; ++i) {
    if (table_[i].vcpu == nullptr && names(table_[i], *vcpu.sched)) table_[i].vcpu = &vcpu;
  }
}

void Arinc653::remove(Vcpu& vcpu) {
  vcpus_.remove(*static_cast<ArincVcpu*>(vcpu.sched));
  for (uint32_t i = 0; i < entries_; ++i) {
    if (table_[i].vcpu == &vcpu) table_[i].vcpu = find(table_[i]);
  }
}

void Arinc653::wake(Vcpu& vcpu, WakeReason /*reason*/) {
  vcpu.sched->waiting = true;
  vcpu.pcpu = allowed_pcpu(vcpu);
  tickle(vcpu.pcpu);
}

Ns& Arinc653::frame_start() {
  static Ns shared = 0;  // nobody's but the fault's
  return fault("sched.arinc653_pools_share_frame") ? shared : frame_start_;
}

Arinc653::Turn Arinc653::turn_at(Ns now) {
  Ns& start = frame_start();
  const Ns frames = now < start ? 0 : (now - start) / major_frame_;
  start = frames > 0 && fault("sched.arinc653_frames_drift") ? now : start + frames * major_frame_;
  Turn turn{0, start};
  for (; turn.entry < entries_; ++turn.entry) {
    turn.ends += table_[turn.entry].runtime;
    if (now < turn.ends) return turn;
  }
  return {entries_, start + major_frame_};
}

Ns Arinc653::next_turn(uint32_t pcpu, const Turn& turn) {
  Ns start = turn.ends;
  uint32_t left = entries_;
  for (uint32_t entry = turn.entry + 1; entry < entries_; ++entry, --left) {
    if (ready(table_[entry].vcpu, pcpu, nullptr)) return start;
    start += table_[entry].runtime;
  }
  start = frame_start() + major_frame_;
  for (uint32_t entry = 0; left > 0 && entry < entries_; ++entry, --left) {
    if (ready(table_[entry].vcpu, pcpu, nullptr)) return start;
    start += table_[entry].runtime;
  }
  return kNever;
}

bool Arinc653::ready(const Vcpu* vcpu, uint32_t pcpu, const Vcpu* current) {
  if (vcpu == nullptr || !unit_runnable(*vcpu) || !may_run_on(*vcpu, pcpu)) return false;
  return vcpu == current || (vcpu->sched->waiting && vcpu->pcpu == pcpu);
}

Choice Arinc653::choose(uint32_t pcpu, Vcpu* current, bool /*yielded*/, Ns now) {
  Choice choice;
  Turn turn{0, kNever};
  if (entries_ > 0) {
    turn = turn_at(now);
    if (turn.entry < entries_ && ready(table_[turn.entry].vcpu, pcpu, current)) {
      choice = {table_[turn.entry].vcpu, turn.ends};
    }
  }
  if (current != nullptr && current != choice.vcpu && unit_runnable(*current) && may_run_anywhere(*current)) {
    current->sched->waiting = true;
    current->pcpu = allowed_pcpu(*current);
    if (current->pcpu != pcpu) tickle(current->pcpu);
  }
  if (choice.vcpu != nullptr) choice.vcpu->sched->waiting = false;
  // Only then: others may pause a vCPU that was chosen while a timer is set.
  if (choice.vcpu == nullptr && entries_ > 0) set_timer(pcpus_[pcpu].turn, pcpu, next_turn(pcpu, turn));
  return choice;
}

void Arinc653::timer_fired(PolicyTimer& timer, Ns /*now*/) {
  tickle(timer.timer.pcpu);
}

Status Arinc653::put_system(const SystemParameters& parameters) {
  const xen_sysctl_arinc653_schedule_t& wanted = *parameters.schedule;
  // Behind that, moments would not be numbers any more.
  if (wanted.major_frame == 0 || wanted.major_frame > INT64_MAX) return fail(XEN_EINVAL);
  if (wanted.num_sched_entries == 0 || wanted.num_sched_entries > std::size(table_)) return fail(XEN_EINVAL);
  Ns left = wanted.major_frame;
  for (uint32_t i = 0; i < wanted.num_sched_entries; ++i) {
    const Ns runtime = wanted.sched_entries[i].runtime;
    if (runtime == 0 || runtime > left) return fail(XEN_EINVAL);
    left -= runtime;
  }
  entries_ = wanted.num_sched_entries;
  major_frame_ = wanted.major_frame;
  for (uint32_t i = 0; i < entries_; ++i) {
    const auto& entry = wanted.sched_entries[i];
    table_[i] = {std::to_array(entry.dom_handle), entry.vcpu_id, entry.runtime, nullptr};
    table_[i].vcpu = find(table_[i]);
  }
  begin();
  return kOk;
}

Status Arinc653::get_system(const SystemParameters& parameters) const {
  xen_sysctl_arinc653_schedule_t& out = *parameters.schedule;
  out = {};
  out.major_frame = major_frame_;
  out.num_sched_entries = static_cast<uint8_t>(entries_);
  for (uint32_t i = 0; i < entries_; ++i) {
    auto& entry = out.sched_entries[i];
    std::ranges::copy(table_[i].handle, entry.dom_handle);
    entry.vcpu_id = table_[i].vcpu_id;
    entry.runtime = table_[i].runtime;
  }
  return kOk;
}

void Arinc653::audit(AuditReport& report) const {
  Ns sum = 0;
  for (uint32_t i = 0; i < entries_; ++i) {
    sum += table_[i].runtime;
    const Vcpu* vcpu = table_[i].vcpu;
    report.check(vcpu == nullptr || vcpu->sched->owner == this, "the table names a vCPU of another pool");
  }
  report.check(sum <= major_frame_, "a major frame is too short for its entries");
  report.check(vcpus_.consistent(), "the set of vCPUs is out of order");
  for (uint32_t pcpu = 0; pcpu < machine_pcpus_; ++pcpu) {
    const Timer& timer = pcpus_[pcpu].turn.timer;
    report.check(timer.deadline == kNever || (pcpus_[pcpu].member && timer.pcpu == pcpu),
                 "a timer is on a pCPU of another pool");
  }
}

}  // namespace hv
