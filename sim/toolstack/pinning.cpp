#include "sim/toolstack/pinning.hpp"

#include <algorithm>

namespace assay::toolstack {

uint64_t Pinning::load(uint32_t pcpu) const {
  uint64_t load = 0;
  for (const auto& [domain, pcpus] : assigned_) load += static_cast<uint64_t>(std::ranges::count(pcpus, pcpu));
  return load;
}

std::vector<uint32_t> Pinning::assign(DomId domain, uint32_t count) {
  if (pcpus_.empty()) return {};
  std::vector<uint32_t>& own = assigned_[domain];
  own.clear();
  for (uint32_t vcpu = 0; vcpu < count; ++vcpu) {
    own.push_back(*std::ranges::min_element(pcpus_, {}, [this](uint32_t pcpu) { return load(pcpu); }));
  }
  return own;
}

}  // namespace assay::toolstack
