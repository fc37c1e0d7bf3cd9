/// Where things are in a workload guest: a PV64 domain of a few pages, without code.
#pragma once

#include <cstdint>
#include <iterator>

#include "sim/abi/xen.hpp"

namespace assay::scenario {

/// Data pages begin here. The page tables themselves are not mapped.
constexpr uint64_t kDataVa = 0x400000;
/// Addresses that only mean something: nothing is ever fetched from them.
constexpr uint64_t kEntryVa = 0x10000;
constexpr uint64_t kUpcallVa = 0x11000;
constexpr uint64_t kFailsafeVa = 0x12000;
/// Behind the one call instruction, and how far the hypervisor steps back to have it executed again.
constexpr uint64_t kAfterCallVa = 0x13002;
constexpr uint64_t kSyscallBytes = 2;

/// What each vCPU has of the data pages.
struct VcpuArea {
  uint64_t arguments[8];
  vcpu_runstate_info_t runstate;
  uint64_t ports[2];
  alignas(64) uint64_t stack[32];
  uint64_t grant_frames[16];  ///< where its grant table is
};
constexpr uint32_t kGrantFramesMax = std::size(VcpuArea{}.grant_frames);
constexpr uint64_t kAreaBytes = 512;
constexpr uint64_t kAreasPerPage = 4096 / kAreaBytes;
static_assert(sizeof(VcpuArea) <= kAreaBytes);

constexpr uint64_t kPageBytes = 4096;

/// Pages that have the vCPUs' areas; those that memory writers write to follow.
constexpr uint64_t area_pages(uint32_t vcpus) {
  return (vcpus + kAreasPerPage - 1) / kAreasPerPage;
}

constexpr uint64_t area_va(uint32_t vcpu) {
  return kDataVa + vcpu * kAreaBytes;
}

}  // namespace assay::scenario
