#include "sim/scenario/oracles/core_sharing.hpp"

#include "sim/scenario/units.hpp"

namespace assay::scenario {

void CoreSharing::left(uint64_t now_ns, uint32_t pcpu) {
  pcpus_[pcpu] = {.came_from = pcpus_[pcpu].vcpu, .left_ns = now_ns, .is_inside = true};
}

void CoreSharing::entered(uint64_t now_ns, uint32_t pcpu, VcpuIndex vcpu, uint32_t id) {
  comes_back(now_ns, pcpu);
  const VcpuIndex unit = vcpu - id % together_;
  pcpus_[pcpu] = {.vcpu = vcpu, .unit = unit};
  const uint32_t first = pcpu / together_ * together_;
  for (uint32_t other = first; other < first + together_; ++other) {
    const PcpuState& state = pcpus_[other];
    if (state.vcpu == kNoVcpu || state.unit == unit) continue;
    report(now_ns, vcpu, pcpu, "runs beside a vCPU of another unit, on pCPU " + std::to_string(other));
  }
}

void CoreSharing::idles(uint64_t now_ns, uint32_t pcpu) {
  comes_back(now_ns, pcpu);
  pcpus_[pcpu] = {};
}

void CoreSharing::comes_back(uint64_t now_ns, uint32_t pcpu) {
  const PcpuState& state = pcpus_[pcpu];
  if (!state.is_inside) return;
  const uint64_t inside_ns = now_ns - state.left_ns;
  if (state.came_from != kNoVcpu) {
    if (kept_ns_.size() <= state.came_from) kept_ns_.resize(state.came_from + 1);
    kept_ns_[state.came_from] += inside_ns;
  }
  if (inside_ns <= bound_ns_) return;
  report(now_ns, kNoVcpu, pcpu, "was inside the hypervisor for " + show_duration(inside_ns));
}

void CoreSharing::end(const Schedule& /*schedule*/, uint64_t now_ns) {
  for (uint32_t pcpu = 0; pcpu < pcpus_.size(); ++pcpu) comes_back(now_ns, pcpu);
}

}  // namespace assay::scenario
