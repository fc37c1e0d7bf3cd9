#include "hv/mm/stage2.hpp"

#include <algorithm>
#include <bit>

#include "hv/base/fault.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/log_dirty.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_tables.hpp"
#include "hv/mm/paging_pool.hpp"

namespace hv {

namespace {

constexpr uint64_t kTableFlags = kPtePresent | kPteWritable | kPteUser | kPteAccessed | kPteDirty;

// Bits that processors ignore, and what they say of a level 1 entry.
constexpr uint64_t kPromised = uint64_t{1} << 9;    ///< not present: populated on demand
constexpr uint64_t kDevice = uint64_t{1} << 10;     ///< not present: a frame of a device
constexpr uint64_t kGrant = uint64_t{1} << 11;      ///< present: a granted frame
constexpr uint64_t kProtected = uint64_t{1} << 52;  ///< present: writable, and protected so that the next write is seen

constexpr unsigned kFramesPerWord = 64;
static_assert(std::tuple_size_v<Stage2Frames> * kFramesPerWord == kPteCount);

unsigned index_of(Gfn gfn, unsigned level) {
  return static_cast<unsigned>(gfn.raw() >> (9 * (level - 1))) & (kPteCount - 1);
}

/// The level 1 entry of a frame; null when there is no table for it.
uint64_t* leaf(const DomainMemory& memory, Gfn gfn) {
  if (gfn.raw() >= kGfnEnd || memory.stage2_root == kInvalidMfn) return nullptr;
  Mfn table = memory.stage2_root;
  for (unsigned level = 4; level > 1; --level) {
    const uint64_t entry = frame_as<uint64_t>(table)[index_of(gfn, level)];
    if ((entry & kPtePresent) == 0) return nullptr;
    table = pte_mfn(entry);
  }
  return &frame_as<uint64_t>(table)[index_of(gfn, 1)];
}

/// As above; makes the tables that lack. Null when the pool is empty.
uint64_t* make_leaf(DomainMemory& memory, Gfn gfn) {
  Mfn table = memory.stage2_root;
  for (unsigned level = 4; level > 1; --level) {
    uint64_t& entry = frame_as<uint64_t>(table)[index_of(gfn, level)];
    if ((entry & kPtePresent) == 0) {
      const Mfn next = take_paging_frame(memory);
      if (next == kInvalidMfn) return nullptr;
      entry = make_pte(next, kTableFlags);
    }
    table = pte_mfn(entry);
  }
  return &frame_as<uint64_t>(table)[index_of(gfn, 1)];
}

/// What was mapped at `gfn` by this entry has no number any more. A granted frame's is its owner's business.
void forget_m2p(uint64_t entry, Gfn gfn) {
  if ((entry & kGrant) == 0 && m2p_get(pte_mfn(entry)) == gfn.raw()) m2p_set(pte_mfn(entry), kInvalidM2p);
}

uint64_t flags_for(bool writable) {
  return writable ? kTableFlags : kTableFlags & ~kPteWritable;
}

bool is_grant(uint64_t entry) {
  return (entry & kPtePresent) != 0 && (entry & kGrant) != 0;
}

/// The only place where level 1 entries change: keeps M2P, the count of promises and cached translations true.
void set_leaf(DomainMemory& memory, uint64_t& entry, Gfn gfn, uint64_t value) {
  if ((entry & kPtePresent) != 0) {
    if (!fault("p2m.m2p_not_cleared")) forget_m2p(entry, gfn);
    flush_translations(memory);
  } else if ((entry & kPromised) != 0) {
    HV_ASSERT(memory.on_demand_entries > 0);
    --memory.on_demand_entries;
  }
  entry = value;
  if ((value & kPtePresent) == 0 && (value & kPromised) != 0) ++memory.on_demand_entries;
}

Status make_entry(DomainMemory& memory, Gfn gfn, uint64_t value) {
  if (gfn.raw() >= kGfnEnd) return fail(XEN_ENOENT);
  uint64_t* entry = make_leaf(memory, gfn);
  if (entry == nullptr) return fail(XEN_ENOMEM);
  if (is_grant(*entry) && !fault("p2m.memory_over_grant")) return fail(XEN_EPERM);
  set_leaf(memory, *entry, gfn, value);
  if (gfn.raw() > memory.max_gpfn && !fault("p2m.max_gpfn_not_raised")) memory.max_gpfn = gfn.raw();
  return kOk;
}

uint64_t count_promised(Mfn table, unsigned level) {
  uint64_t count = 0;
  const auto* entries = frame_as<uint64_t>(table);
  for (unsigned i = 0; i < kPteCount; ++i) {
    const bool present = (entries[i] & kPtePresent) != 0;
    if (level == 1) {
      if (!present && (entries[i] & kPromised) != 0) ++count;
    } else if (present) {
      count += count_promised(pte_mfn(entries[i]), level - 1);
    }
  }
  return count;
}

}  // namespace

Stage2Entry stage2_lookup(const DomainMemory& memory, Gfn gfn) {
  const uint64_t* entry = leaf(memory, gfn);
  if (entry == nullptr || *entry == 0) return {};
  if ((*entry & kPtePresent) == 0) {
    const bool device = (*entry & kDevice) != 0;
    return {.mfn = device ? pte_mfn(*entry) : kInvalidMfn, .promised = !device, .device = device};
  }
  return {.mfn = pte_mfn(*entry),
          .present = true,
          .writable = (*entry & (kPteWritable | kProtected)) != 0,
          .grant = is_grant(*entry)};
}

Status stage2_map(DomainMemory& memory, Gfn gfn, Mfn mfn, bool writable) {
  HV_ASSERT(frame_valid(mfn) && memory.stage2_root != kInvalidMfn);
  const Status status = make_entry(memory, gfn, make_pte(mfn, flags_for(writable)));
  if (!status.ok()) return status;
  m2p_set(mfn, gfn.raw());
  log_dirty_mark(memory, gfn);  // whatever was there has changed
  return kOk;
}

Status stage2_map_grant(DomainMemory& memory, Gfn gfn, Mfn mfn, bool writable) {
  HV_ASSERT(frame_valid(mfn) && memory.stage2_root != kInvalidMfn);
  if (stage2_lookup(memory, gfn).device) return fail(XEN_EPERM);
  const Status status = make_entry(memory, gfn, make_pte(mfn, flags_for(writable) | kGrant));
  if (writable && memory.log_dirty != nullptr) memory.log_dirty->has_unmarked = true;
  if (!status.ok() || frame_info(mfn).owner != &memory) return status;
  const uint64_t former = m2p_get(mfn);
  if (former != kInvalidM2p && former != gfn.raw() && stage2_lookup(memory, Gfn{former}).mfn == mfn) {
    stage2_unmap(memory, Gfn{former});
  }
  return kOk;
}

bool stage2_unmap(DomainMemory& memory, Gfn gfn) {
  uint64_t* entry = leaf(memory, gfn);
  if (entry == nullptr || (*entry & kPtePresent) == 0) return false;
  set_leaf(memory, *entry, gfn, 0);
  return true;
}

Status stage2_promise(DomainMemory& memory, Gfn gfn) {
  return make_entry(memory, gfn, kPromised);
}

Status stage2_map_device(DomainMemory& memory, Gfn gfn, Mfn mfn) {
  return make_entry(memory, gfn, make_pte(mfn, kDevice));
}

bool stage2_forget(DomainMemory& memory, Gfn gfn) {
  uint64_t* entry = leaf(memory, gfn);
  if (entry == nullptr || *entry == 0 || (*entry & kPtePresent) != 0) return false;
  set_leaf(memory, *entry, gfn, 0);
  return true;
}

uint64_t stage2_count_promised(const DomainMemory& memory) {
  return memory.stage2_root == kInvalidMfn ? 0 : count_promised(memory.stage2_root, 4);
}

uint8_t* stage2_bytes(const DomainMemory& memory, Gpa gpa, bool write) {
  const Gfn gfn{gpa.raw() >> kPageShift};
  const bool missed = fault("logdirty.hypervisor_writes_missed");
  if (write) static_cast<void>(missed ? stage2_unprotect_one(memory, gfn) : log_dirty_fault(memory, gfn));
  const uint64_t* entry = leaf(memory, gfn);
  const uint64_t wanted = write ? kPtePresent | kPteWritable : kPtePresent;
  if (entry == nullptr || (*entry & wanted) != wanted) return nullptr;
  return frame_bytes(pte_mfn(*entry)) + (gpa.raw() & (kPageSize - 1));
}

namespace {

/// Calls `each(entry, gfn)` for every present level 1 entry; `first` is the table's first frame number.
template <typename Each>
void for_each_leaf(Mfn table, unsigned level, uint64_t first, Each each) {
  auto* entries = frame_as<uint64_t>(table);
  for (unsigned i = 0; i < kPteCount; ++i) {
    if ((entries[i] & kPtePresent) == 0) continue;
    const uint64_t gfn = first + (uint64_t{i} << (9 * (level - 1)));
    if (level == 1) {
      each(entries[i], Gfn{gfn});
    } else {
      for_each_leaf(pte_mfn(entries[i]), level - 1, gfn, each);
    }
  }
}

/// The same for a whole domain.
template <typename Each>
void for_each_leaf(const DomainMemory& memory, Each each) {
  if (memory.stage2_root != kInvalidMfn) for_each_leaf(memory.stage2_root, 4, 0, each);
}

void protect(uint64_t& entry) {
  const bool is_writable = (entry & kPtePresent) != 0 && (entry & kPteWritable) != 0;
  if (is_writable) entry = (entry & ~kPteWritable) | kProtected;
}

}  // namespace

void stage2_visit(const DomainMemory& memory, void (*each)(void*, Gfn, Mfn), void* context) {
  for_each_leaf(memory, [each, context](const uint64_t& entry, Gfn gfn) {
    if (!is_grant(entry)) each(context, gfn, pte_mfn(entry));
  });
}

void stage2_protect(DomainMemory& memory) {
  for_each_leaf(memory, [](uint64_t& entry, Gfn) { protect(entry); });
}

void stage2_protect_some(DomainMemory& memory, Gfn first, const Stage2Frames& frames) {
  HV_ASSERT(first.raw() % kPteCount == 0);
  if (std::ranges::all_of(frames, [](uint64_t word) { return word == 0; })) return;
  uint64_t* entries = leaf(memory, first);
  if (entries == nullptr) return;
  for (const uint64_t word : frames) {
    for (uint64_t rest = word; rest != 0; rest &= rest - 1) protect(entries[std::countr_zero(rest)]);
    entries += kFramesPerWord;
  }
}

void stage2_unprotect(DomainMemory& memory) {
  for_each_leaf(memory, [](uint64_t& entry, Gfn) {
    if ((entry & kProtected) != 0) entry = (entry & ~kProtected) | kPteWritable;
  });
}

bool stage2_unprotect_one(const DomainMemory& memory, Gfn gfn) {
  uint64_t* entry = leaf(memory, gfn);
  if (entry == nullptr || (*entry & kPtePresent) == 0 || (*entry & kProtected) == 0) return false;
  *entry = (*entry & ~kProtected) | kPteWritable;
  return true;
}

Status stage2_create(DomainMemory& memory) {
  HV_ASSERT(memory.stage2_root == kInvalidMfn);
  const Mfn root = take_paging_frame(memory);
  if (root == kInvalidMfn) return fail(XEN_ENOMEM);
  memory.stage2_root = root;
  return kOk;
}

void stage2_destroy(DomainMemory& memory) {
  memory.stage2_root = kInvalidMfn;
  memory.on_demand_entries = 0;
  give_back_paging_tables(memory);
  flush_translations(memory);
}

}  // namespace hv
