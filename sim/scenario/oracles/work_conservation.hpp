/// No pCPU sleeps while somebody waits who may run there. Where several are scheduled together: not all of them sleep
/// while somebody waits of whose unit nobody runs.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class WorkConservation final : public Oracle {
 public:
  struct Units {
    uint32_t pcpus_together = 1;
    std::vector<VcpuIndex> first = {};  ///< by index: the unit's first vCPU; empty: each is a unit of its own
  };
  /// `exempt`, by index: who is held back by a cap or a budget, and may wait. Indices beyond its end are not exempt.
  WorkConservation(uint64_t bound_ns, std::vector<bool> exempt, Units units)
      : Oracle("work conservation"), bound_ns_(bound_ns), exempt_(std::move(exempt)), units_(std::move(units)) {}
  void begin(const Schedule& schedule, uint64_t now_ns) override;
  void on(const ScheduleEvent& event, const Schedule& schedule) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  void look(const Schedule& schedule, uint64_t now_ns);
  [[nodiscard]] bool is_asleep(const Schedule& schedule, uint32_t pcpu, uint64_t now_ns) const;
  [[nodiscard]] bool unit_runs(const Schedule& schedule, VcpuIndex vcpu) const;
  uint64_t bound_ns_;
  std::vector<bool> exempt_;
  Units units_;
  uint64_t begin_ns_ = 0;
  uint64_t next_look_ns_ = 0;
};

}  // namespace assay::scenario
