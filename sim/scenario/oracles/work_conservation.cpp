#include "sim/scenario/oracles/work_conservation.hpp"

#include <algorithm>

#include "sim/scenario/units.hpp"

namespace assay::scenario {

void WorkConservation::begin(const Schedule&, uint64_t now_ns) {
  begin_ns_ = next_look_ns_ = now_ns;
}

void WorkConservation::on(const ScheduleEvent& event, const Schedule& schedule) {
  // Looking at everybody is slow: often enough is a few times within the bound.
  if (schedule.waiting() == 0 || schedule.idle().empty() || event.now_ns < next_look_ns_) return;
  constexpr uint64_t kLooksWithinBound = 4;
  next_look_ns_ = event.now_ns + bound_ns_ / kLooksWithinBound;
  look(schedule, event.now_ns);
}

void WorkConservation::end(const Schedule& schedule, uint64_t now_ns) {
  look(schedule, now_ns);
}

/// For so long that it could have been noticed, and with all that it is scheduled with.
bool WorkConservation::is_asleep(const Schedule& schedule, uint32_t pcpu, uint64_t now_ns) const {
  const uint32_t first = pcpu / units_.pcpus_together * units_.pcpus_together;
  for (uint32_t i = first; i < first + units_.pcpus_together; ++i) {
    const bool is_old = schedule.idle().has(i) && now_ns >= std::max(schedule.idle_since_ns(i), begin_ns_) + bound_ns_;
    if (!is_old) return false;
  }
  return true;
}

bool WorkConservation::unit_runs(const Schedule& schedule, VcpuIndex vcpu) const {
  if (units_.first.empty()) return false;
  const VcpuIndex first = units_.first[vcpu];
  for (VcpuIndex i = first; i < units_.first.size() && units_.first[i] == first; ++i) {
    if (schedule.vcpu(i).runs()) return true;
  }
  return false;
}

void WorkConservation::look(const Schedule& schedule, uint64_t now_ns) {
  PcpuSet sleepers;
  for (uint32_t pcpu = 0; pcpu < schedule.pcpus(); ++pcpu) {
    if (is_asleep(schedule, pcpu, now_ns)) sleepers.add(pcpu);
  }
  if (sleepers.empty() || schedule.waiting() == 0) return;
  for (VcpuIndex vcpu = 0; vcpu < schedule.vcpus(); ++vcpu) {
    const VcpuSchedule& state = schedule.vcpu(vcpu);
    if (!state.waits() || (vcpu < exempt_.size() && exempt_[vcpu])) continue;
    const uint64_t since = std::max({state.waits_since_ns, state.may_since_ns, begin_ns_});
    const PcpuSet there = sleepers & schedule.mask_of(vcpu);
    if (now_ns < since + bound_ns_ || there.empty() || unit_runs(schedule, vcpu)) continue;
    const uint32_t pcpu = there.at_or_above(0);
    report(now_ns, vcpu, pcpu,
           "has waited for " + show_duration(now_ns - since) + " while a pCPU on which it may run was idle");
    return;
  }
}

}  // namespace assay::scenario
