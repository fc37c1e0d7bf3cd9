/// Who always wants to run gets a budget in each period, wherever periods begin: RTDS and ARINC653.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

/// In k periods, whatever their phase, at least k - 1 budgets; between two times that it runs, never more than
/// 2 * (period - budget).
class Supply final : public Oracle {
 public:
  Supply(std::string name, uint64_t budget_ns, uint64_t period_ns, std::vector<VcpuIndex> vcpus)
      : Oracle(std::move(name)), budget_ns_(budget_ns), period_ns_(period_ns), vcpus_(std::move(vcpus)) {}
  void begin(const Schedule& schedule, uint64_t now_ns) override;
  void on(const ScheduleEvent& event, const Schedule& schedule) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  /// What a pCPU needs to change over, twice.
  static constexpr uint64_t kSlackNs = 50'000;
  void look(const Schedule& schedule, uint64_t now_ns);
  void check_gap(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns);

  uint64_t budget_ns_;
  uint64_t period_ns_;
  std::vector<VcpuIndex> vcpus_;
  std::vector<uint64_t> before_ns_;
  uint64_t begin_ns_ = 0;
  uint64_t next_ns_ = 0;
};

}  // namespace assay::scenario
