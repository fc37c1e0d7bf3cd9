#include "sim/scenario/oracles/deadline_misses.hpp"

#include <algorithm>

namespace assay::scenario {

void DeadlineMisses::begin(const Schedule&, uint64_t now_ns) {
  for (const VcpuIndex vcpu : vcpus_) before_.push_back(jobs_(vcpu, now_ns).missed);
}

void DeadlineMisses::end(const Schedule&, uint64_t now_ns) {
  for (size_t i = 0; i < vcpus_.size(); ++i) {
    const JobCount count = jobs_(vcpus_[i], now_ns);
    const uint64_t missed = count.missed - std::min(count.missed, before_[i]);
    if (missed <= at_most_) continue;
    report(count.last_miss_ns, vcpus_[i], PcpuSet::kNone,
           "has missed " + std::to_string(missed) + " deadlines, at most " + std::to_string(at_most_) +
               " expected; it has done " + std::to_string(count.done) + " jobs");
    return;
  }
}

}  // namespace assay::scenario
