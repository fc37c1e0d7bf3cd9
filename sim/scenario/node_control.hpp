/// NUMA nodes as the privileged domain is told of them, and domains that would rather be on some. Each throws
/// ToolstackError that says what was asked and what came.
#pragma once

#include <cstdint>

#include "sim/engine/pcpu_set.hpp"
#include "sim/toolstack/privileged.hpp"

namespace assay::scenario {

/// Nodes of a machine whose pCPUs they have in equal parts, in order.
class NodeControl {
 public:
  explicit NodeControl(const toolstack::Privileged& dom0) : dom0_(dom0) {}

  /// The hypervisor tells of so many nodes, with as many of these pCPUs each, and memory on all of them.
  void check(uint32_t nodes, uint32_t pcpus) const;
  /// Has it say afterwards what was set.
  void set_affinity(DomId domain, const PcpuSet& nodes) const;

 private:
  void check_memory(uint32_t nodes) const;
  void check_pcpus(uint32_t nodes, uint32_t pcpus) const;
  [[nodiscard]] uint64_t affinity(DomId domain) const;

  const toolstack::Privileged& dom0_;
};

}  // namespace assay::scenario
