/// PV64 page tables: what an entry may say at each level, the references it holds, and updates of single entries.
/// Source: public/xen.h on mmu_update; public/arch-x86/xen-x86_64.h.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv {

constexpr uint64_t kPtePresent = 1u << 0;
constexpr uint64_t kPteWritable = 1u << 1;
constexpr uint64_t kPteUser = 1u << 2;
constexpr uint64_t kPteWriteThrough = 1u << 3;
constexpr uint64_t kPteCacheDisable = 1u << 4;
constexpr uint64_t kPteAccessed = 1u << 5;
constexpr uint64_t kPteDirty = 1u << 6;
constexpr uint64_t kPteLarge = 1u << 7;  ///< PAT at level 1
constexpr uint64_t kPteGlobal = 1u << 8;
constexpr uint64_t kPteSoftware = 0x7ffull << 52 | 7u << 9;  ///< free for the guest
constexpr uint64_t kPteGuestKernel = 1ull << 52;             ///< set by the core in kernel-only entries at level 1
constexpr uint64_t kPteNoExecute = 1ull << 63;
constexpr uint64_t kPteFrame = 0x000f'ffff'ffff'f000;
constexpr unsigned kPteCount = 512;

constexpr Mfn pte_mfn(uint64_t pte) {
  return Mfn{(pte & kPteFrame) >> kPageShift};
}
constexpr uint64_t make_pte(Mfn mfn, uint64_t flags) {
  return mfn.raw() << kPageShift | flags;
}
/// Index into the table of `level` (1..4).
constexpr unsigned pte_index(Gva va, unsigned level) {
  return static_cast<unsigned>(va.raw() >> (kPageShift + 9 * (level - 1))) & (kPteCount - 1);
}

constexpr PageType table_type(unsigned level) {
  return static_cast<PageType>(level);
}
/// 1..4 for page-table types, 0 otherwise.
constexpr unsigned table_level(PageType type) {
  const auto level = static_cast<unsigned>(type);
  return level >= 1 && level <= 4 ? level : 0;
}

/// Checks every entry of a table of `level` owned by `owner` and takes the references its entries need. On error all
/// references are given back. Called when a frame takes a page-table type.
Status validate_table(Mfn table, unsigned level);
/// Gives back what validate_table took.
void release_table(Mfn table, unsigned level);

struct EntryUpdate {
  uint64_t value = 0;
  DomainMemory* page_owner = nullptr;  ///< whose frame a level 1 entry names; for HVM `value` carries a gfn
  bool translate = true;               ///< false: an HVM owner's frame number is a machine frame already
  bool preserve_ad = false;            ///< keep accessed and dirty bits that are set by now
};

/// Replaces entry `index` of a validated table: mmu_update, update_va_mapping. Errors as the entry's level defines them
/// (EINVAL, EBUSY, EPERM); on error nothing changes.
Status update_entry(Mfn table, unsigned level, unsigned index, const EntryUpdate& update);

/// Puts `value` into a validated level 1 table as it is and returns what was there. References go with the entries: the
/// new one's are the caller's, who gets the old one's. Translations that used the old entry are stale afterwards.
uint64_t exchange_leaf(Mfn table, unsigned index, uint64_t value);

}  // namespace hv
