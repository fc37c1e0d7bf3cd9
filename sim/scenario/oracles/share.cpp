#include "sim/scenario/oracles/share.hpp"

#include "sim/scenario/scenario.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {

uint64_t Share::taken(const Schedule& schedule, uint64_t now_ns) const {
  uint64_t sum = 0;
  for (const VcpuIndex vcpu : vcpus_) sum += schedule.ran_ns(vcpu, now_ns);
  for (uint32_t pcpu = 0; pcpu < schedule.pcpus(); ++pcpu) {
    if (pcpus_.has(pcpu)) sum += schedule.busy_ns(pcpu, now_ns);
  }
  return sum;
}

void Share::begin(const Schedule& schedule, uint64_t now_ns) {
  begin_ns_ = now_ns;
  before_ns_ = taken(schedule, now_ns);
}

void Share::end(const Schedule& schedule, uint64_t now_ns) {
  const uint64_t window = now_ns - begin_ns_;
  share_ = (taken(schedule, now_ns) - before_ns_) * kWholePcpu / window;
  if (share_ >= bounds_.at_least && share_ <= bounds_.at_most) return;
  const bool is_low = share_ < bounds_.at_least;
  report(now_ns, vcpus_.size() == 1 ? vcpus_.front() : kNoVcpu, PcpuSet::kNone,
         show_percent(share_) + " of a pCPU in " + show_duration(window) + (is_low ? ", at least " : ", at most ") +
             show_percent(is_low ? bounds_.at_least : bounds_.at_most) + " expected");
}

}  // namespace assay::scenario
