#include "sim/scenario/oracles/placement.hpp"

#include "sim/scenario/units.hpp"

namespace assay::scenario {

void Placement::check_stay(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns) {
  const VcpuSchedule& state = schedule.vcpu(vcpu);
  if (schedule.mask_of(vcpu).has(state.pcpu) || now_ns - state.may_since_ns <= grace_ns_) return;
  report(now_ns, vcpu, state.pcpu,
         "has stayed on a pCPU for " + show_duration(now_ns - state.may_since_ns) +
             " that is not among those it may run on, " + show_pcpus(schedule.mask_of(vcpu)));
}

void Placement::on(const ScheduleEvent& event, const Schedule& schedule) {
  using Kind = ScheduleEvent::Kind;
  const VcpuSchedule& state = schedule.vcpu(event.vcpu);
  if (event.kind == Kind::kLeave || (event.kind == Kind::kMayRunOn && state.runs())) {
    return check_stay(schedule, event.vcpu, event.now_ns);
  }
  if (event.kind != Kind::kRun) return;
  if (!schedule.mask_of(event.vcpu).has(event.pcpu)) {
    report(event.now_ns, event.vcpu, event.pcpu,
           "runs outside of where it may, " + show_pcpus(schedule.mask_of(event.vcpu)));
  }
  if (state.is_paused) report(event.now_ns, event.vcpu, event.pcpu, "runs although its domain is paused");
  if (!state.is_online) report(event.now_ns, event.vcpu, event.pcpu, "runs although its domain is gone");
  const VcpuIndex there = schedule.running_on(event.pcpu);
  if (there != kNoVcpu) report(event.now_ns, event.vcpu, event.pcpu, "runs where another one does");
}

void Placement::end(const Schedule& schedule, uint64_t now_ns) {
  for (VcpuIndex vcpu = 0; vcpu < schedule.vcpus(); ++vcpu) {
    if (schedule.vcpu(vcpu).runs()) check_stay(schedule, vcpu, now_ns);
  }
}

}  // namespace assay::scenario
