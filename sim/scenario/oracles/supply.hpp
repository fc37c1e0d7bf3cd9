/// Who always wants to run gets a budget in each period, wherever periods begin: RTDS and ARINC653.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

/// In any k periods, whatever their phase, at least k - 1 budgets; between two times that it runs, never more than
/// 2 * (period - budget). Where supply is exact (no extra time): in any k periods at most k + 1 budgets, and never more
/// than two without a pause.
class Supply final : public Oracle {
 public:
  struct Promise {
    uint64_t budget_ns;
    uint64_t period_ns;
    bool is_exact;
  };
  Supply(std::string name, const Promise& promise, const std::vector<VcpuIndex>& vcpus);
  void begin(const Schedule& schedule, uint64_t now_ns) override;
  void on(const ScheduleEvent& event, const Schedule& schedule) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  /// What a pCPU needs to change over, twice.
  static constexpr uint64_t kSlackNs = 50'000;
  /// A period ended with so much more than a budget for each since the beginning, or less.
  struct Account {
    uint64_t at_ns = 0;
    int64_t over_ns = 0;
  };
  struct Server {
    VcpuIndex vcpu = kNoVcpu;
    uint64_t before_ns = 0;
    Account least{}, most{};  ///< of all periods so far
  };
  void look(const Schedule& schedule, uint64_t now_ns);
  void check_periods(Server& server, const Account& account);
  void check_gap(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns);
  void check_stretch(const Schedule& schedule, VcpuIndex vcpu, uint64_t now_ns);
  void report_part(const Server& server, const Account& from, const Account& to, const char* bound);

  Promise promise_;
  std::vector<Server> servers_;
  uint64_t begin_ns_ = 0;
  uint64_t next_ns_ = 0;
};

}  // namespace assay::scenario
