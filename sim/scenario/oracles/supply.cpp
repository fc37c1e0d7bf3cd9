#include "sim/scenario/oracles/supply.hpp"

#include <algorithm>

#include "sim/scenario/units.hpp"

namespace assay::scenario {

void Supply::begin(const Schedule& schedule, uint64_t now_ns) {
  begin_ns_ = now_ns;
  next_ns_ = now_ns + period_ns_;
  for (const VcpuIndex vcpu : vcpus_) before_ns_.push_back(schedule.ran_ns(vcpu, now_ns));
}

void Supply::look(const Schedule& schedule, uint64_t now_ns) {
  for (; next_ns_ <= now_ns; next_ns_ += period_ns_) {
    const uint64_t owed = ((next_ns_ - begin_ns_) / period_ns_ - 1) * budget_ns_;
    for (size_t i = 0; i < vcpus_.size(); ++i) {
      const uint64_t had =
          schedule.ran_ns(vcpus_[i], std::max(next_ns_, schedule.vcpu(vcpus_[i]).runs_since_ns)) - before_ns_[i];
      if (had + kSlackNs >= owed) continue;
      report(next_ns_, vcpus_[i], PcpuSet::kNone,
             "has had " + show_duration(had) + " in " + show_duration(next_ns_ - begin_ns_) + ", at least " +
                 show_duration(owed) + " expected: " + show_duration(budget_ns_) + " in each " +
                 show_duration(period_ns_));
    }
  }
}

void Supply::check_gap(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns) {
  const VcpuSchedule& state = schedule.vcpu(vcpu);
  if (!state.waits()) return;
  const uint64_t gap = now_ns - std::max(state.waits_since_ns, begin_ns_);
  const uint64_t most = 2 * (period_ns_ - budget_ns_) + kSlackNs;
  if (gap <= most) return;
  report(now_ns, vcpu, PcpuSet::kNone,
         "has waited for " + show_duration(gap) + ", at most " + show_duration(most) + " with " +
             show_duration(budget_ns_) + " in each " + show_duration(period_ns_));
}

void Supply::on(const ScheduleEvent& event, const Schedule& schedule) {
  look(schedule, event.now_ns);
  if (std::ranges::find(vcpus_, event.vcpu) != vcpus_.end()) check_gap(schedule, event.vcpu, event.now_ns);
}

void Supply::end(const Schedule& schedule, uint64_t now_ns) {
  look(schedule, now_ns);
  for (const VcpuIndex vcpu : vcpus_) check_gap(schedule, vcpu, now_ns);
}

}  // namespace assay::scenario
