/// Finds the host memory behind a guest linear address, the way the processor would: through the guest's own tables,
/// setting accessed and dirty bits.
#pragma once

#include <cstdint>

#include "hv/mm/guest_access.hpp"

namespace hv {

enum class Access : uint8_t { kRead, kWrite };

/// The byte behind `va`, valid up to the end of its page; null when the guest could not do this access.
uint8_t* guest_bytes(const AddressSpace& space, Gva va, Access access);

/// PV64 only: the level 1 table that maps `va` and that is validated as such; kInvalidMfn when there is none.
Mfn leaf_table_of(const AddressSpace& space, Gva va);
/// True for any frame number that is a validated level 1 table of this memory.
[[nodiscard]] bool is_leaf_table(const DomainMemory& memory, Mfn table);

}  // namespace hv
