#include "sim/scenario/oracles/starvation.hpp"

#include <algorithm>

#include "sim/scenario/units.hpp"

namespace assay::scenario {

void Starvation::begin(const Schedule&, uint64_t now_ns) {
  begin_ns_ = now_ns;
}

void Starvation::check(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns) {
  const VcpuSchedule& state = schedule.vcpu(vcpu);
  if (!state.waits()) return;
  const uint64_t since = std::max(state.waits_since_ns, begin_ns_);
  if (now_ns < since + bound_ns_) return;
  if (!watched_.empty() && !std::ranges::binary_search(watched_, vcpu)) return;
  report(now_ns, vcpu, PcpuSet::kNone,
         std::string(state.woke ? "was woken and has not run for " : "could run and has not for ") +
             show_duration(now_ns - since) + "; it may wait for less than " + show_duration(bound_ns_));
}

void Starvation::on(const ScheduleEvent& event, const Schedule& schedule) {
  check(schedule, event.vcpu, event.now_ns);
}

void Starvation::end(const Schedule& schedule, uint64_t now_ns) {
  for (VcpuIndex vcpu = 0; vcpu < schedule.vcpus(); ++vcpu) check(schedule, vcpu, now_ns);
}

}  // namespace assay::scenario
