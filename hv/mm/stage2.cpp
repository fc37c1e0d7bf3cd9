#include "hv/mm/stage2.hpp"

#include <bit>

#include "hv/mm/frame_table.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_tables.hpp"
#include "hv/mm/paging_pool.hpp"

namespace hv {

namespace {

constexpr uint64_t kTableFlags = kPtePresent | kPteWritable | kPteUser | kPteAccessed | kPteDirty;

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

void forget_m2p(Mfn mfn, Gfn gfn) {
  if (m2p_get(mfn) == gfn.raw()) m2p_set(mfn, kInvalidM2p);
}

}  // namespace

Stage2Entry stage2_lookup(const DomainMemory& memory, Gfn gfn) {
  const uint64_t* entry = leaf(memory, gfn);
  if (entry == nullptr || (*entry & kPtePresent) == 0) return {};
  return {pte_mfn(*entry), true, (*entry & kPteWritable) != 0};
}

Status stage2_map(DomainMemory& memory, Gfn gfn, Mfn mfn, bool writable) {
  HV_ASSERT(frame_valid(mfn) && memory.stage2_root != kInvalidMfn);
  if (gfn.raw() >= kGfnEnd) return fail(XEN_ENOENT);
  uint64_t* entry = make_leaf(memory, gfn);
  if (entry == nullptr) return fail(XEN_ENOMEM);
  if ((*entry & kPtePresent) != 0) {
    forget_m2p(pte_mfn(*entry), gfn);
    flush_translations(memory);
  }
  *entry = make_pte(mfn, writable ? kTableFlags : kTableFlags & ~kPteWritable);
  m2p_set(mfn, gfn.raw());
  if (gfn.raw() > memory.max_gpfn) memory.max_gpfn = gfn.raw();
  return kOk;
}

bool stage2_unmap(DomainMemory& memory, Gfn gfn) {
  uint64_t* entry = leaf(memory, gfn);
  if (entry == nullptr || (*entry & kPtePresent) == 0) return false;
  forget_m2p(pte_mfn(*entry), gfn);
  *entry = 0;
  flush_translations(memory);
  return true;
}

uint8_t* stage2_bytes(const DomainMemory& memory, Gpa gpa, bool write) {
  const uint64_t* entry = leaf(memory, Gfn{gpa.raw() >> kPageShift});
  const uint64_t wanted = write ? kPtePresent | kPteWritable : kPtePresent;
  if (entry == nullptr || (*entry & wanted) != wanted) return nullptr;
  return frame_bytes(pte_mfn(*entry)) + (gpa.raw() & (kPageSize - 1));
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
  give_back_paging_tables(memory);
  flush_translations(memory);
}

}  // namespace hv
