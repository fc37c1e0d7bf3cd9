/// Frames of a table follow each other for ever: frame k begins exactly k times its length after the first. ARINC653.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

/// Who always wants to run and has one slot in each frame gets the pCPU at the same moment of each. That of the first
/// time is the measure; what a pCPU is late does not add up.
class Frames final : public Oracle {
 public:
  Frames(std::string name, uint64_t frame_ns, uint64_t within_ns, const std::vector<VcpuIndex>& vcpus);
  void on(const ScheduleEvent& event, const Schedule& schedule) override;

 private:
  struct Slot {
    VcpuIndex vcpu = kNoVcpu;
    uint64_t first_ns = 0;  ///< 0: not yet
  };

  uint64_t frame_ns_;
  uint64_t within_ns_;
  std::vector<Slot> slots_;
};

}  // namespace assay::scenario
