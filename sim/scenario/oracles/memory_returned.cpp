#include "sim/scenario/oracles/memory_returned.hpp"

#include <fmt/format.h>

namespace assay::scenario {

void MemoryReturned::created(const std::string& domain, uint64_t size, uint64_t free_before, uint64_t free_after) {
  taken_by_size_[size] = taken_[domain] = free_before - free_after;
}

void MemoryReturned::refused(const std::string& domain, uint64_t size, uint64_t now_ns, uint64_t free_before,
                             uint64_t free_after) {
  if (free_after != free_before) {
    report(now_ns, kNoVcpu, PcpuSet::kNone,
           fmt::format("{} frames were free before {} could not be built, and {} afterwards", free_before, domain,
                       free_after));
  }
  const auto like = taken_by_size_.find(size);
  if (like != taken_by_size_.end() && free_before >= like->second) {
    report(now_ns, kNoVcpu, PcpuSet::kNone,
           fmt::format("{} was refused with {} free frames; one of its size took {}", domain, free_before,
                       like->second));
  }
}

void MemoryReturned::destroyed(const std::string& domain, uint64_t now_ns, uint64_t free_before, uint64_t free_after) {
  const auto taken = taken_.find(domain);
  if (taken == taken_.end()) return;
  if (free_after - free_before != taken->second) {
    report(now_ns, kNoVcpu, PcpuSet::kNone,
           fmt::format("{} took {} frames, and gave {} back", domain, taken->second, free_after - free_before));
  }
  taken_.erase(taken);
}

}  // namespace assay::scenario
