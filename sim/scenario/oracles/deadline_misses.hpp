/// Jobs that were not done in time.
#pragma once

#include <functional>
#include <vector>

#include "sim/scenario/oracles/oracle.hpp"
#include "sim/scenario/workload.hpp"

namespace assay::scenario {

class DeadlineMisses final : public Oracle {
 public:
  using Jobs = std::function<JobCount(VcpuIndex, uint64_t now_ns)>;
  DeadlineMisses(std::string name, uint64_t at_most, std::vector<VcpuIndex> vcpus, Jobs jobs)
      : Oracle(std::move(name)), at_most_(at_most), vcpus_(std::move(vcpus)), jobs_(std::move(jobs)) {}
  void begin(const Schedule& schedule, uint64_t now_ns) override;
  void end(const Schedule& schedule, uint64_t now_ns) override;

 private:
  uint64_t at_most_;
  std::vector<VcpuIndex> vcpus_;
  Jobs jobs_;
  std::vector<uint64_t> before_;
};

}  // namespace assay::scenario
