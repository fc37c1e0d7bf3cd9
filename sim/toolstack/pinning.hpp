/// Which pCPU each guest vCPU is pinned to.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "sim/base/strong.hpp"

namespace assay::toolstack {

/// Spreads vCPUs evenly: each goes to the pCPU that carries the fewest vCPUs of living domains, the first of several.
class Pinning {
 public:
  explicit Pinning(std::vector<uint32_t> pcpus) : pcpus_(std::move(pcpus)) {}

  /// pCPUs for the vCPUs 0..count-1 of `domain`; empty when nothing is to be pinned.
  std::vector<uint32_t> assign(DomId domain, uint32_t count);
  void release(DomId domain) { assigned_.erase(domain); }

 private:
  [[nodiscard]] uint64_t load(uint32_t pcpu) const;

  std::vector<uint32_t> pcpus_;
  std::map<DomId, std::vector<uint32_t>> assigned_;
};

}  // namespace assay::toolstack
