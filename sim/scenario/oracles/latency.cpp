#include "sim/scenario/oracles/latency.hpp"

#include <algorithm>

#include "sim/scenario/scenario.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {

void Latency::on(const ScheduleEvent& event, const Schedule& schedule) {
  if (event.kind != ScheduleEvent::Kind::kRun || samples_.size() == kSamplesMax) return;
  const VcpuSchedule& state = schedule.vcpu(event.vcpu);
  if (!state.woke || (!watched_.empty() && !std::ranges::binary_search(watched_, event.vcpu))) return;
  samples_.push_back({event.now_ns - state.awake_since_ns, event.now_ns, event.vcpu, event.pcpu});
}

void Latency::end(const Schedule&, uint64_t now_ns) {
  if (samples_.empty()) return report(now_ns, kNoVcpu, PcpuSet::kNone, "nobody was woken: there is no latency to tell");
  const size_t rank = (samples_.size() * percentile_ + kWholePcpu - 1) / kWholePcpu - 1;
  std::ranges::nth_element(samples_, samples_.begin() + static_cast<std::ptrdiff_t>(rank), {},
                           [](const Sample& sample) { return std::pair(sample.latency_ns, sample.now_ns); });
  const Sample& sample = samples_[rank];
  if (sample.latency_ns <= bound_ns_) return;
  report(sample.now_ns, sample.vcpu, sample.pcpu,
         "ran " + show_duration(sample.latency_ns) + " after it was woken, at most " + show_duration(bound_ns_) +
             " expected of " + show_percent(percentile_) + " of " + std::to_string(samples_.size()) + " wake-ups");
}

}  // namespace assay::scenario
