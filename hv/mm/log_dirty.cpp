#include "hv/mm/log_dirty.hpp"

#include <cstring>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/base/host.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_tables.hpp"
#include "hv/mm/paging_pool.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

constexpr unsigned kLevels = 3;  ///< of directories
constexpr unsigned kIndexBits = 9;
constexpr uint64_t kDirectoryEntries = uint64_t{1} << kIndexBits;
static_assert(kGfnEnd <= kGfnsPerLeaf << (kLevels * kIndexBits));

/// The place in a directory, or the root, that has the frame `level` steps above the bits.
uint64_t index_in(uint64_t leaf, unsigned level) {
  return leaf >> (kIndexBits * (level - 1)) & (kDirectoryEntries - 1);
}

/// The leaf for these bits; with `make`, frames that lack are made. Frame 0 when there is none.
Mfn leaf_frame(LogDirty& log, uint64_t leaf, bool make) {
  uint64_t* entry = &log.root;
  for (unsigned level = kLevels;; --level) {
    if (*entry == 0 && make) {
      const Mfn made = take_paging_frame(*log.memory);
      if (made != kInvalidMfn) *entry = made.raw();
    }
    if (*entry == 0 || level == 0) return Mfn{*entry};
    entry = &frame_as<uint64_t>(Mfn{*entry})[index_in(leaf, level)];
  }
}

/// Only what is dirty was made writable since it was protected last.
void protect_dirty(DomainMemory& memory, uint64_t first, const uint8_t* leaf) {
  for (uint64_t gfn = 0; gfn < kGfnsPerLeaf; gfn += kPteCount) {
    Stage2Frames dirty;
    std::memcpy(dirty.data(), leaf + gfn / 8, sizeof dirty);
    stage2_protect_some(memory, Gfn{first + gfn}, dirty);
  }
}

void free_tree(DomainMemory& memory, Mfn frame, unsigned level) {
  if (frame == Mfn{}) return;
  if (level > 0) {
    const auto* entries = frame_as<uint64_t>(frame);
    for (uint64_t i = 0; i < kDirectoryEntries; ++i) free_tree(memory, Mfn{entries[i]}, level - 1);
  }
  give_back_paging_frame(memory, frame);
}

/// What is clean is noted again when it is written.
bool clean_protects() {
  return !fault("logdirty.clean_does_not_protect");
}

}  // namespace

LogDirty* log_dirty_of(DomainMemory& memory) {
  if (memory.log_dirty == nullptr) {
    memory.log_dirty = arena_new<LogDirty>();
    if (memory.log_dirty != nullptr) memory.log_dirty->memory = &memory;
  }
  return memory.log_dirty;
}

Status log_dirty_enable(DomainMemory& memory) {
  LogDirty* log = log_dirty_of(memory);
  if (log == nullptr) return fail(XEN_ENOMEM);
  if (log->enabled) return fail(XEN_EINVAL);
  log->enabled = true;
  log->has_unmarked = false;
  stage2_protect(memory);
  flush_translations(memory);
  return kOk;
}

void log_dirty_disable(DomainMemory& memory) {
  LogDirty* log = memory.log_dirty;
  if (log == nullptr) return;
  if (log->enabled) stage2_unprotect(memory);
  // Nothing is protected any more, and a cached read-only translation does no harm.
  if (!fault("logdirty.disable_leaks_bitmap")) free_tree(memory, Mfn{log->root}, kLevels);
  *log = LogDirty{.memory = &memory};
}

void log_dirty_destroy(DomainMemory& memory) {
  log_dirty_disable(memory);
  if (memory.log_dirty != nullptr) arena_delete(memory.log_dirty);
  memory.log_dirty = nullptr;
}

void log_dirty_mark(const DomainMemory& memory, Gfn gfn) {
  LogDirty* log = memory.log_dirty;
  if (log == nullptr || !log->enabled || gfn.raw() >= kGfnEnd) return;
  const Mfn leaf = leaf_frame(*log, gfn.raw() / kGfnsPerLeaf, true);
  if (leaf == Mfn{}) {
    log->incomplete = true;
    return;
  }
  uint8_t& byte = frame_bytes(leaf)[gfn.raw() % kGfnsPerLeaf / 8];
  const auto bit = static_cast<uint8_t>(1u << (gfn.raw() % 8));
  if ((byte & bit) != 0) return;
  byte |= bit;
  ++log->dirtied;
}

void log_dirty_mark_frame(Mfn mfn) {
  const DomainMemory* owner = frame_info(mfn).owner;
  if (owner != nullptr && owner->log_dirty != nullptr) log_dirty_mark(*owner, Gfn{m2p_get(mfn)});
}

bool log_dirty_fault(const DomainMemory& memory, Gfn gfn) {
  if (memory.log_dirty == nullptr || !stage2_unprotect_one(memory, gfn)) return false;
  log_dirty_mark(memory, gfn);
  return true;
}

uint8_t* log_dirty_leaf(const DomainMemory& memory, uint64_t first) {
  LogDirty* log = memory.log_dirty;
  if (log == nullptr || first >= kGfnEnd) return nullptr;
  const Mfn leaf = leaf_frame(*log, first / kGfnsPerLeaf, false);
  return leaf == Mfn{} ? nullptr : frame_bytes(leaf);
}

void log_dirty_clean_leaf(DomainMemory& memory, uint64_t first) {
  uint8_t* leaf = log_dirty_leaf(memory, first);
  if (leaf == nullptr) return;
  if (clean_protects()) protect_dirty(memory, first, leaf);
  std::memset(leaf, 0, kPageSize);
}

void log_dirty_end_of_clean(DomainMemory& memory) {
  LogDirty* log = memory.log_dirty;
  if (log == nullptr || !log->enabled || !clean_protects()) return;
  if (log->has_unmarked) stage2_protect(memory);
  log->has_unmarked = false;
  flush_translations(memory);
}

}  // namespace hv
