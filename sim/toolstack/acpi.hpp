/// The ACPI tables of a PVH guest: its processors, and that nothing else is there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace assay::toolstack {

/// One page: the root pointer first, then XSDT, FADT (reduced hardware), MADT and an empty DSDT, for a guest that finds
/// it at this physical address. At most 64 vCPUs. Source: ACPI specification 6.4, chapters 5.2.5 to 5.2.12.
std::vector<std::byte> acpi_tables(uint64_t physical, uint32_t vcpus);

}  // namespace assay::toolstack
