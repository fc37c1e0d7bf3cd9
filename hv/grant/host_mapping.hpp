/// Where a granted frame appears for the domain that maps it: in a level 1 entry of a PV64 guest's page tables, which
/// then holds the references as any entry does; or at a guest frame of an HVM guest, where the mapping holds them.
#pragma once

#include "hv/grant/grant_table.hpp"

namespace hv {

struct HostMapping {
  uint64_t addr;   ///< virtual address, machine address of an entry (GNTMAP_contains_pte), or guest-physical address
  uint32_t flags;  ///< GNTMAP_*
  Mfn mfn;
};

struct HostMapResult {
  bool ok = false;
  bool fatal = false;
};
/// `cache_bits`: GTF_PWT, GTF_PCD, GTF_PAT of the grant. A frame that is not `owner`'s cannot be mapped.
HostMapResult map_for_host(const Mapper& mapper, const HostMapping& mapping, const DomainMemory& owner,
                           unsigned cache_bits);

/// Takes the mapping away but not yet its references. `pte`: PV64, the entry that was there.
[[nodiscard]] bool unmap_for_host(const Mapper& mapper, const HostMapping& mapping, uint64_t new_addr, uint64_t& pte);
/// Drops the references of a mapping that was taken away; `pte` as above.
void drop_host_mapping(const DomainMemory& memory, Mfn mfn, bool readonly, uint64_t pte);

/// References of a frame that a device, or an HVM guest, has mapped.
[[nodiscard]] bool hold_frame(Mfn mfn, const DomainMemory& owner, bool writable);
void drop_frame(Mfn mfn, bool writable);

// One implementation for each kind of guest; see above.
HostMapResult map_for_pv(const Mapper& mapper, const HostMapping& mapping, const DomainMemory& owner,
                         unsigned cache_bits);
[[nodiscard]] bool unmap_for_pv(const Mapper& mapper, const HostMapping& mapping, uint64_t new_addr, uint64_t& pte);

}  // namespace hv
