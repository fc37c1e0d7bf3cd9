/// What the hypervisor tells a vCPU about its own time adds up: the sum of its runstates is the time that passed, and
/// what it ran is what it was seen to run.
#pragma once

#include <vector>

#include "sim/abi/xen.hpp"
#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class TimeAccounting final : public Oracle {
 public:
  /// What a guest sees of its time, and when it was created: in the course of one hypercall.
  struct Area {
    const vcpu_runstate_info_t* told = nullptr;  ///< null: there is none
    uint64_t created_from_ns = 0, created_until_ns = 0;
    uint64_t kept_ns =
        0;  ///< its pCPU was in the hypervisor and waited for others: it may have been taken off meanwhile
  };
  using Areas = std::vector<Area>;  ///< by index
  /// `areas` is called at the end: domains come and go. A vCPU counts as running a little before it is seen to, and a
  /// little longer, each time: 0.1 ms in all and one part in `slack_parts` of what it ran.
  /// `clock_error_ns`: what the clock that the hypervisor reads may be off each time.
  TimeAccounting(std::function<Areas()> areas, uint64_t slack_parts, uint64_t clock_error_ns = 0)
      : Oracle("time accounting"),
        areas_(std::move(areas)),
        slack_parts_(slack_parts),
        clock_error_ns_(clock_error_ns) {}
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  static constexpr uint64_t kSlackNs = 100'000;
  std::function<Areas()> areas_;
  uint64_t slack_parts_;
  uint64_t clock_error_ns_;
};

}  // namespace assay::scenario
