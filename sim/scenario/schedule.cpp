#include "sim/scenario/schedule.hpp"

namespace assay::scenario {

Schedule::Schedule(uint32_t pcpus) : running_(pcpus, kNoVcpu), busy_ns_(pcpus), idle_since_ns_(pcpus) {
  for (uint32_t pcpu = 0; pcpu < pcpus; ++pcpu) idle_.add(pcpu);
}

VcpuIndex Schedule::add_vcpu(const PcpuSet& mask) {
  VcpuSchedule vcpu;
  vcpu.mask = class_of(mask);
  vcpus_.push_back(vcpu);
  return vcpus() - 1;
}

uint32_t Schedule::class_of(const PcpuSet& mask) {
  for (uint32_t i = 0; i < masks_.size(); ++i) {
    if (masks_[i].mask == mask) return i;
  }
  masks_.push_back({mask, 0});
  return static_cast<uint32_t>(masks_.size() - 1);
}

void Schedule::run(VcpuSchedule& vcpu, const ScheduleEvent& event) {
  vcpu.pcpu = event.pcpu;
  vcpu.runs_since_ns = event.now_ns;
  vcpu.woke = false;
  ++vcpu.stays;
  running_[event.pcpu] = event.vcpu;
  idle_.remove(event.pcpu);
}

void Schedule::leave(VcpuSchedule& vcpu, const ScheduleEvent& event) {
  const uint64_t ran = event.now_ns - vcpu.runs_since_ns;
  vcpu.ran_ns += ran;
  busy_ns_[event.pcpu] += ran;
  vcpu.pcpu = PcpuSet::kNone;
  running_[event.pcpu] = kNoVcpu;
  idle_.add(event.pcpu);
  idle_since_ns_[event.pcpu] = event.now_ns;
}

void Schedule::apply(const ScheduleEvent& event) {
  using Kind = ScheduleEvent::Kind;
  VcpuSchedule& vcpu = vcpus_[event.vcpu];
  const bool waited = vcpu.waits();
  if (waited) --masks_[vcpu.mask].waiting;
  switch (event.kind) {
    case Kind::kOnline:
      vcpu.is_online = true;
      break;
    case Kind::kOffline:
      vcpu.is_online = vcpu.is_awake = vcpu.is_paused = false;
      break;
    case Kind::kWake:
      if (!vcpu.is_awake) vcpu.awake_since_ns = event.now_ns;
      vcpu.woke = !vcpu.is_awake;
      vcpu.is_awake = true;
      break;
    case Kind::kBlock:
      vcpu.is_awake = false;
      break;
    case Kind::kPause:
      vcpu.is_paused = true;
      vcpu.woke = false;
      break;
    case Kind::kUnpause:
      vcpu.is_paused = false;
      break;
    case Kind::kRun:
      run(vcpu, event);
      break;
    case Kind::kLeave:
      leave(vcpu, event);
      break;
    case Kind::kMayRunOn:
      vcpu.mask = class_of(event.mask);
      vcpu.may_since_ns = event.now_ns;
      break;
  }
  const bool waits = vcpu.waits();
  if (waits) ++masks_[vcpu.mask].waiting;
  if (waits && !waited) vcpu.waits_since_ns = event.now_ns;
  waiting_ = waiting_ + (waits ? 1 : 0) - (waited ? 1 : 0);
}

uint64_t Schedule::busy_ns(uint32_t pcpu, uint64_t now_ns) const {
  const VcpuIndex vcpu = running_[pcpu];
  return busy_ns_[pcpu] + (vcpu == kNoVcpu ? 0 : now_ns - vcpus_[vcpu].runs_since_ns);
}

}  // namespace assay::scenario
