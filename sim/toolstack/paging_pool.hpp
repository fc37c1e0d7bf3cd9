/// How much memory the second-stage tables of a PVH guest get.
#pragma once

#include <cstdint>

#include "sim/target/target.hpp"

namespace assay::toolstack {

/// A few tables per MiB of memory when all of it is mapped by 4 KiB pages, and what each vCPU adds.
inline uint64_t paging_pool_bytes(const GuestSpec& spec) {
  constexpr uint64_t kMiB = 1 << 20;
  constexpr uint64_t kPoolBytesPerVcpu = kMiB / 4;
  constexpr uint64_t kPoolPagesPerMiB = 2;
  const uint64_t memory_mib = (spec.pages * kPageSize + kMiB - 1) / kMiB;
  return spec.vcpus * kPoolBytesPerVcpu + memory_mib * kPoolPagesPerMiB * kPageSize;
}

}  // namespace assay::toolstack
