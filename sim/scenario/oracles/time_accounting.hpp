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
  };
  using Areas = std::vector<Area>;  ///< by index
  /// Called at the end: domains come and go.
  explicit TimeAccounting(std::function<Areas()> areas) : Oracle("time accounting"), areas_(std::move(areas)) {}
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  /// A vCPU counts as running a little before it is seen to, and a little longer, each time.
  static constexpr uint64_t kSlackNs = 100'000;
  static constexpr uint64_t kSlackParts = 20;  ///< and one part in so many
  std::function<Areas()> areas_;
};

}  // namespace assay::scenario
