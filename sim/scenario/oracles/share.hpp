/// What part of one pCPU's time some vCPUs together, or the scenario's vCPUs on some pCPUs together, had of a window.
/// Proportional shares, caps, and idle or busy pCPUs are such bounds.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

/// In hundredths of a percent of one pCPU.
struct ShareBounds {
  uint64_t at_least = 0;
  uint64_t at_most = UINT64_MAX;
};

class Share final : public Oracle {
 public:
  Share(std::string name, std::vector<VcpuIndex> vcpus, const PcpuSet& pcpus, const ShareBounds& bounds)
      : Oracle(std::move(name)), vcpus_(std::move(vcpus)), pcpus_(pcpus), bounds_(bounds) {}
  void begin(const Schedule& schedule, uint64_t now_ns) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;
  /// Once it has ended.
  [[nodiscard]] uint64_t share() const { return share_; }

 private:
  [[nodiscard]] uint64_t taken(const Schedule& schedule, uint64_t now_ns) const;
  std::vector<VcpuIndex> vcpus_;
  PcpuSet pcpus_;
  ShareBounds bounds_;
  uint64_t begin_ns_ = 0;
  uint64_t before_ns_ = 0;
  uint64_t share_ = 0;
};

}  // namespace assay::scenario
