/// Nobody who could run waits longer than a bound. With the bound of the liveness phase: everything runnable runs, and
/// no wake-up was lost.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class Starvation final : public Oracle {
 public:
  /// `watched`: indices, ascending; empty: all.
  Starvation(std::string name, uint64_t bound_ns, std::vector<VcpuIndex> watched)
      : Oracle(std::move(name)), bound_ns_(bound_ns), watched_(std::move(watched)) {}
  void begin(const Schedule& schedule, uint64_t now_ns) override;
  void on(const ScheduleEvent& event, const Schedule& schedule) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  void check(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns);
  uint64_t bound_ns_;
  std::vector<VcpuIndex> watched_;
  uint64_t begin_ns_ = 0;
};

}  // namespace assay::scenario
