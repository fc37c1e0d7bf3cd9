/// PV64: granted frames in level 1 entries. The guest's own updates of such an entry drop its references as those of
/// any other; the grant then stays in use until its user dies, as nobody can name the mapping any more.
#include "hv/base/fault.hpp"
#include "hv/grant/host_mapping.hpp"
#include "hv/mm/guest_walk.hpp"
#include "hv/mm/page_entries.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv {

namespace {

constexpr unsigned kSoftwareBits = 7;
constexpr unsigned kSoftwareShift = 9;
/// GTF_PWT, GTF_PCD and GTF_PAT to the bits of an entry.
constexpr uint64_t cache_flags(unsigned bits) {
  return ((bits & GTF_PWT) != 0 ? kPteWriteThrough : 0) | ((bits & GTF_PCD) != 0 ? kPteCacheDisable : 0) |
         ((bits & GTF_PAT) != 0 ? kPteLarge : 0);
}

/// The entry for a mapping, as adjusted for a table. Never executable.
uint64_t entry_for(const HostMapping& mapping, unsigned cache_bits) {
  uint64_t flags = kPtePresent | kPteAccessed | kPteDirty | kPteNoExecute | cache_flags(cache_bits);
  if ((mapping.flags & GNTMAP_application_map) != 0) flags |= kPteUser;
  if ((mapping.flags & GNTMAP_readonly) == 0) flags |= kPteWritable;
  flags |= uint64_t{(mapping.flags >> _GNTMAP_guest_avail0) & kSoftwareBits} << kSoftwareShift;
  return adjusted_entry(make_pte(mapping.mfn, flags), 1);
}

struct Slot {
  Mfn table = kInvalidMfn;
  unsigned index = 0;

  [[nodiscard]] bool found() const { return table != kInvalidMfn; }
  [[nodiscard]] uint64_t value() const { return frame_as<uint64_t>(table)[index]; }
};

/// The entry itself, by its machine address.
Slot slot_at(const DomainMemory& memory, uint64_t machine_address) {
  if (machine_address % sizeof(uint64_t) != 0) return {};
  const Mfn table{machine_address >> kPageShift};
  if (!is_leaf_table(memory, table)) return {};
  return {table, static_cast<unsigned>(machine_address % kPageSize / sizeof(uint64_t))};
}

/// The entry that maps a virtual address.
Slot slot_of(const Mapper& mapper, uint64_t va) {
  return {leaf_table_of(mapper.space, Gva{va}), pte_index(Gva{va}, 1)};
}

Slot slot_for(const Mapper& mapper, const HostMapping& mapping) {
  const bool by_entry = (mapping.flags & GNTMAP_contains_pte) != 0;
  return by_entry ? slot_at(*mapper.space.memory, mapping.addr) : slot_of(mapper, mapping.addr);
}

}  // namespace

HostMapResult map_for_pv(const Mapper& mapper, const HostMapping& mapping, const DomainMemory& owner,
                         unsigned cache_bits) {
  DomainMemory& memory = *mapper.space.memory;
  const LockGuard guard(memory.lock);
  const Slot slot = slot_for(mapper, mapping);
  if (!slot.found()) return {};
  const uint64_t value = entry_for(mapping, cache_bits);
  if (!hold_leaf(value, memory, owner).ok()) return {};
  const uint64_t old = exchange_leaf(slot.table, slot.index, value);
  if ((old & kPtePresent) != 0) put_leaf(old, memory);
  return {.ok = true};
}

bool unmap_for_pv(const Mapper& mapper, const HostMapping& mapping, uint64_t new_addr, uint64_t& pte) {
  DomainMemory& memory = *mapper.space.memory;
  const bool by_entry = (mapping.flags & GNTMAP_contains_pte) != 0;
  if (by_entry && new_addr != 0) return false;
  const LockGuard guard(memory.lock);
  uint64_t moved = 0;
  if (new_addr != 0) {
    const Slot source = slot_of(mapper, new_addr);
    if (!source.found()) return false;
    moved = exchange_leaf(source.table, source.index, 0);
  }
  const Slot slot = slot_for(mapper, mapping);
  const uint64_t value = slot.found() ? slot.value() : 0;
  const uint64_t flags = (mapping.flags & GNTMAP_readonly) != 0 ? kPtePresent : kPtePresent | kPteWritable;
  const uint64_t compared = kPteFrame | kPtePresent | (fault("grant.unmap_compares_frame_only") ? 0 : kPteWritable);
  if ((value & compared) == (make_pte(mapping.mfn, flags) & compared)) {
    pte = exchange_leaf(slot.table, slot.index, moved);
    return true;
  }
  // What was taken from `new_addr` has no place to go back to.
  if ((moved & kPtePresent) != 0) put_leaf(moved, memory);
  return false;
}

}  // namespace hv
