#include "hv/mm/page_tables.hpp"

#include "hv/base/fault.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/on_demand.hpp"
#include "hv/mm/page_entries.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/translations.hpp"

namespace hv {

namespace {

Status get_entry(uint64_t pte, Mfn table, unsigned level) {
  const DomainMemory& owner = *frame_info(table).owner;
  return level == 1 ? get_leaf(pte, owner, owner) : get_branch(pte, table, level);
}

void put_entry(uint64_t pte, Mfn table, unsigned level) {
  if (level == 1) {
    put_leaf(pte, *frame_info(table).owner);
  } else {
    put_branch(pte, table, level);
  }
}

/// Releases entries [0, end).
void release_entries(Mfn table, unsigned level, unsigned end) {
  const auto* entries = frame_as<uint64_t>(table);
  for (unsigned i = 0; i < end; ++i) {
    if ((entries[i] & kPtePresent) != 0 && !hypervisor_slot(level, i)) put_entry(entries[i], table, level);
  }
}

constexpr uint64_t kAccessedDirty = kPteAccessed | kPteDirty;

/// Bits that may change while the references of an entry stay as they are. Making it writable is not among them.
uint64_t soft_bits(unsigned level) {
  const uint64_t unchecked = fault("mmu.made_writable_unchecked") ? kPteWritable : 0;
  const uint64_t any_level = unchecked | kPteSoftware | kPteNoExecute | kAccessedDirty | kPteUser;
  return level == 1 ? any_level | kPteGlobal : any_level;
}

/// The new value with the frame number that the page owner's name stands for. EINVAL when it names nothing.
Result<uint64_t> translated(const EntryUpdate& update) {
  if (update.page_owner->kind != GuestKind::kHvm || !update.translate) return update.value;
  const Gfn gfn{pte_mfn(update.value).raw()};
  on_demand_touch(*update.page_owner, gfn);
  const Result<Mfn> mfn = resolve_gfn(*update.page_owner, gfn);
  if (!mfn.ok()) return mfn.status();
  return (update.value & ~kPteFrame) | make_pte(*mfn, 0);
}

/// Takes what the new entry needs, or nothing when the old one holds it already. `held` says which.
Status take_references(uint64_t old, uint64_t value, Mfn table, unsigned level, const DomainMemory& page_owner,
                       bool& held) {
  const DomainMemory& owner = *frame_info(table).owner;
  const uint64_t disallowed = level == 1 ? leaf_disallowed(owner) : branch_disallowed();
  if ((value & disallowed) != 0) return fail(XEN_EINVAL);
  held = ((old ^ value) & ~soft_bits(level)) == 0;
  if (held) return kOk;
  return level == 1 ? get_leaf(value, owner, page_owner) : get_branch(value, table, level);
}

}  // namespace

Status validate_table(Mfn table, unsigned level) {
  HV_ASSERT(level >= 1 && level <= 4);
  auto* entries = frame_as<uint64_t>(table);
  for (unsigned i = 0; i < kPteCount; ++i) {
    if ((entries[i] & kPtePresent) == 0 || hypervisor_slot(level, i)) continue;
    const Status status = get_entry(entries[i], table, level);
    if (!status.ok()) {
      if (!fault("mmu.failed_validation_keeps_entries")) release_entries(table, level, i);
      return status;
    }
    entries[i] = adjusted_entry(entries[i], level);
  }
  if (level == 4) m2p_map_into(table);
  return kOk;
}

void release_table(Mfn table, unsigned level) {
  release_entries(table, level, kPteCount);
}

Status update_entry(Mfn table, unsigned level, unsigned index, const EntryUpdate& update) {
  HV_ASSERT(index < kPteCount && frame_info(table).validated);
  DomainMemory& owner = *frame_info(table).owner;
  if (hypervisor_slot(level, index)) return fail(XEN_EINVAL);
  if (level > 1 && update.page_owner != &owner) return fail(XEN_EINVAL);

  uint64_t& slot = frame_as<uint64_t>(table)[index];
  const uint64_t old = slot;
  uint64_t value = update.value;
  bool held = false;
  if ((value & kPtePresent) != 0) {
    const Result<uint64_t> named = translated(update);
    if (!named.ok()) return named.status();
    const Status status = take_references(old, *named, table, level, *update.page_owner, held);
    if (!status.ok()) return status;
    value = adjusted_entry(*named, level);
  }
  slot = update.preserve_ad && !fault("mmu.accessed_bits_lost") ? value | (old & kAccessedDirty) : value;
  if ((old & kPtePresent) == 0) return kOk;
  // Before the old entry lets go of its frame, which may change hands at once.
  if (level == 1) {
    translations_left_stale();
  } else if (!fault("mmu.entry_above_l1_not_flushed")) {
    flush_translations(owner);
  }
  if (!held) put_entry(old, table, level);
  return kOk;
}

uint64_t exchange_leaf(Mfn table, unsigned index, uint64_t value) {
  HV_ASSERT(index < kPteCount && frame_info(table).validated && frame_info(table).type == PageType::kL1);
  uint64_t& slot = frame_as<uint64_t>(table)[index];
  const uint64_t old = slot;
  slot = value;
  if ((old & kPtePresent) != 0) flush_translations(*frame_info(table).owner);
  return old;
}

}  // namespace hv
