/// A vCPU runs only where its hard affinity and its pool let it, and never while it is held.
#pragma once

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class Placement final : public Oracle {
 public:
  /// A pCPU may need `grace_ns` to notice that who runs there must go.
  explicit Placement(uint64_t grace_ns) : Oracle("placement"), grace_ns_(grace_ns) {}
  void on(const ScheduleEvent& event, const Schedule& schedule) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  void check_stay(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns);
  uint64_t grace_ns_;
};

}  // namespace assay::scenario
