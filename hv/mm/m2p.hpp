/// The machine-to-physical table: 8 bytes per machine frame, 2 MiB aligned, mapped read-only for every PV64 guest at
/// MACH2PHYS_VIRT_START through L4 slot 256. The other slots that belong to the hypervisor, up to 271, are empty.
#pragma once

#include <cstdint>

#include "hv/base/types.hpp"

namespace hv {

constexpr uint64_t kInvalidM2p = ~uint64_t{0};
constexpr unsigned kHypervisorSlotFirst = 256;
constexpr unsigned kHypervisorSlotLast = 271;

void m2p_init();
void m2p_set(Mfn mfn, uint64_t pfn);
[[nodiscard]] uint64_t m2p_get(Mfn mfn);

/// 2 MiB extents that back the table, and the first frame of each: XENMEM_machphys_mfn_list.
[[nodiscard]] uint32_t m2p_extents();
[[nodiscard]] Mfn m2p_extent(uint32_t index);

/// Writes the hypervisor's slots of a validated L4.
void m2p_map_into(Mfn l4);

}  // namespace hv
