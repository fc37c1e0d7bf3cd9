#include "sim/scenario/oracles/time_accounting.hpp"

#include <algorithm>
#include <numeric>

#include "sim/scenario/units.hpp"

namespace assay::scenario {

void TimeAccounting::end(const Schedule& schedule, uint64_t now_ns) {
  const Areas areas = areas_();
  for (VcpuIndex vcpu = 0; vcpu < areas.size(); ++vcpu) {
    const Area& area = areas[vcpu];
    // Zero: it has not registered its area yet.
    if (area.told == nullptr || area.told->state_entry_time == 0) continue;
    const vcpu_runstate_info_t& told = *area.told;
    const uint64_t sum = std::accumulate(std::begin(told.time), std::end(told.time), uint64_t{0});
    const uint64_t created_from_ns = area.created_from_ns - std::min(area.created_from_ns, clock_error_ns_);
    if (told.state_entry_time < sum + created_from_ns || told.state_entry_time > sum + area.created_until_ns) {
      report(now_ns, vcpu, PcpuSet::kNone,
             "its runstates add up to " + show_duration(sum) + ", and " +
                 show_duration(told.state_entry_time - area.created_from_ns) + " had passed since it was created");
    }
    const uint64_t told_ns = told.time[RUNSTATE_running];
    const uint64_t seen_ns = schedule.ran_ns(vcpu, now_ns);
    // What runs now is not in the area yet.
    const uint64_t unfinished = schedule.vcpu(vcpu).runs() ? now_ns - schedule.vcpu(vcpu).runs_since_ns : 0;
    // Each stay on a pCPU is measured by two looks at the clock.
    const uint64_t slack = kSlackNs + seen_ns / slack_parts_ + clock_error_ns_ * schedule.vcpu(vcpu).stays;
    if (told_ns <= seen_ns + slack && told_ns + unfinished + area.kept_ns + slack >= seen_ns) continue;
    report(now_ns, vcpu, PcpuSet::kNone,
           "is told that it ran for " + show_duration(told_ns) + ", and was seen to run for " + show_duration(seen_ns));
  }
}

}  // namespace assay::scenario
