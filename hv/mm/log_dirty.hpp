/// Which frames of an HVM domain have been written: tracked by write-protecting its second-stage table. PV64 domains
/// have no log-dirty mode, as it would take shadow page tables. Source: public/domctl.h, XEN_DOMCTL_shadow_op.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

/// A bitmap of gfns in frames of the domain's paging pool, as a tree of three levels above its leaves; what was never
/// dirty takes no memory. It is the domain's from the first operation until it gives its memory up.
struct LogDirty {
  DomainMemory* memory = nullptr;
  bool enabled = false;
  uint64_t root = 0;  ///< frame number; 0 = none, here and in the tree
  uint32_t faults = 0;
  uint32_t dirtied = 0;     ///< clean frames that became dirty since the last CLEAN
  bool incomplete = false;  ///< a frame could not be marked for want of memory
  /// An entry was made writable without a mark: those to protect again are not only the dirty ones.
  bool has_unmarked = false;
  /// An operation that was preempted: the domain stays paused until it is continued.
  bool in_progress = false;
  DomId by{};
  uint32_t operation = 0;
  uint64_t done = 0;  ///< bits handed out so far
};

/// Frames whose bits are in one leaf of the bitmap.
constexpr uint64_t kGfnsPerLeaf = kPageSize * 8;

/// The domain's tracking state, made when there is none. Null: the arena is full.
LogDirty* log_dirty_of(DomainMemory& memory);
/// Starts: nothing is dirty. EINVAL: started before.
Status log_dirty_enable(DomainMemory& memory);
/// Stops, and gives the bitmap back. Idempotent.
void log_dirty_disable(DomainMemory& memory);
/// Everything goes, before the second-stage table does.
void log_dirty_destroy(DomainMemory& memory);

/// The frame has been written. Does nothing while the domain is not tracked.
void log_dirty_mark(const DomainMemory& memory, Gfn gfn);
/// The same by the machine frame, whoever has it: for what is written past a domain's translations.
void log_dirty_mark_frame(Mfn mfn);
/// A write to this guest frame failed: true when that was for tracking alone, and now it may be repeated.
bool log_dirty_fault(const DomainMemory& memory, Gfn gfn);

/// The bytes with the bits of gfns `first`.. of one leaf (`first` is a multiple of kGfnsPerLeaf); null: all clean.
uint8_t* log_dirty_leaf(const DomainMemory& memory, uint64_t first);
/// The frames of one leaf are clean from now on, and protected: with log_dirty_end_of_clean, the next write is seen.
/// Costs the second-stage tables with a dirty frame.
void log_dirty_clean_leaf(DomainMemory& memory, uint64_t first);
/// After some leaves were cleaned, before the domain runs.
void log_dirty_end_of_clean(DomainMemory& memory);

}  // namespace hv
