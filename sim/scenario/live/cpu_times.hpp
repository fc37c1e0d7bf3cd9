/// What a hypervisor says of the time that its pCPUs and vCPUs have spent, in its own time.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/engine/pcpu_set.hpp"
#include "sim/toolstack/privileged.hpp"

namespace assay::scenario {

struct VcpuName {
  DomId domain{};
  uint32_t vcpu = 0;
};

/// Some vCPUs and pCPUs at one moment.
struct CpuReading {
  uint64_t at_ns = 0;    ///< since the privileged domain was made
  uint64_t took_ns = 0;  ///< from the first value to the last
  /// By all of them together: vCPUs that ran, pCPUs that were not idle. From some moment on: differences count.
  int64_t spent_ns = 0;
};

class CpuTimes {
 public:
  explicit CpuTimes(const toolstack::Privileged& dom0) : dom0_(dom0) {}

  /// System time, by the privileged domain's clock.
  [[nodiscard]] uint64_t now_ns() const { return dom0_.vcpu().time_ns(); }
  /// All in one multicall, so that what the host does meanwhile counts for little. The moment is what the runstates of
  /// the caller add up to; XEN_DOMCTL_getvcpuinfo and XEN_SYSCTL_getcpuinfo say the rest.
  [[nodiscard]] CpuReading read(const std::vector<VcpuName>& vcpus, const PcpuSet& pcpus) const;

 private:
  const toolstack::Privileged& dom0_;
};

}  // namespace assay::scenario
