/// No pCPU sleeps while somebody waits who may run there.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class WorkConservation final : public Oracle {
 public:
  /// `exempt`, by index: who is held back by a cap or a budget, and may wait. Indices beyond its end are not exempt.
  WorkConservation(uint64_t bound_ns, std::vector<bool> exempt)
      : Oracle("work conservation"), bound_ns_(bound_ns), exempt_(std::move(exempt)) {}
  void begin(const Schedule& schedule, uint64_t now_ns) override;
  void on(const ScheduleEvent& event, const Schedule& schedule) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  void look(const Schedule& schedule, uint64_t now_ns);
  uint64_t bound_ns_;
  std::vector<bool> exempt_;
  uint64_t begin_ns_ = 0;
  uint64_t next_look_ns_ = 0;
};

}  // namespace assay::scenario
