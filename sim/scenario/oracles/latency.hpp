/// How long vCPUs wait from a wake-up until they run.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class Latency final : public Oracle {
 public:
  /// `percentile` in hundredths of a percent, 1 to 10'000. `watched`: ascending; empty: all.
  Latency(std::string name, uint64_t percentile, uint64_t bound_ns, std::vector<VcpuIndex> watched)
      : Oracle(std::move(name)), percentile_(percentile), bound_ns_(bound_ns), watched_(std::move(watched)) {}
  void on(const ScheduleEvent& event, const Schedule& schedule) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  struct Sample {
    uint64_t latency_ns;
    uint64_t now_ns;
    VcpuIndex vcpu;
    uint32_t pcpu;
  };
  static constexpr size_t kSamplesMax = 4'000'000;
  uint64_t percentile_;
  uint64_t bound_ns_;
  std::vector<VcpuIndex> watched_;
  std::vector<Sample> samples_;
};

}  // namespace assay::scenario
