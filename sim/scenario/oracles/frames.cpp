#include "sim/scenario/oracles/frames.hpp"

#include <algorithm>

#include "sim/scenario/units.hpp"

namespace assay::scenario {

Frames::Frames(std::string name, uint64_t frame_ns, uint64_t within_ns, const std::vector<VcpuIndex>& vcpus)
    : Oracle(std::move(name)), frame_ns_(frame_ns), within_ns_(within_ns) {
  for (const VcpuIndex vcpu : vcpus) slots_.push_back({.vcpu = vcpu});
}

void Frames::on(const ScheduleEvent& event, const Schedule& /*schedule*/) {
  if (event.kind != ScheduleEvent::Kind::kRun) return;
  const auto slot = std::ranges::find(slots_, event.vcpu, &Slot::vcpu);
  if (slot == slots_.end()) return;
  if (slot->first_ns == 0) slot->first_ns = event.now_ns;
  const uint64_t passed_ns = event.now_ns - slot->first_ns;
  const uint64_t late_ns = passed_ns % frame_ns_;
  const uint64_t early_ns = frame_ns_ - late_ns;
  if (std::min(late_ns, early_ns) <= within_ns_) return;
  const bool is_late = late_ns < early_ns;
  report(event.now_ns, event.vcpu, event.pcpu,
         "gets its slot " + show_duration(passed_ns) + " after the first time, which is " +
             show_duration(is_late ? late_ns : early_ns) + (is_late ? " late" : " early") + " in frames of " +
             show_duration(frame_ns_) + "; within " + show_duration(within_ns_) + " expected");
}

}  // namespace assay::scenario
