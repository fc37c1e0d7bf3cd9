/// Second-stage (nested) page tables of an HVM domain: guest frame to machine frame, x86-64 4-level format, in frames
/// of the domain's paging pool. A mapping holds no reference of its own: RAM is held by its allocation reference, what
/// another domain granted by whoever mapped it.
/// Entries that are not present say by bits that the processor ignores what they stand for: memory that is promised on
/// demand, or a frame of device memory. An access leaves the guest; no device answers on this machine.
#pragma once

#include <array>
#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

/// Greatest guest frame number + 1 that a second-stage table can hold.
constexpr uint64_t kGfnEnd = uint64_t{1} << 36;

struct Stage2Entry {
  Mfn mfn = kInvalidMfn;
  bool present = false;
  bool writable = false;
  bool promised = false;  ///< populate on demand: no memory yet
  bool device = false;    ///< `mfn` is a frame of device memory
  bool grant = false;     ///< a granted frame: not this domain's memory, and not in the M2P under this number
};

[[nodiscard]] Stage2Entry stage2_lookup(const DomainMemory& memory, Gfn gfn);
/// Maps or replaces one frame and sets its M2P entry; raises max_gpfn. Errors: ENOENT beyond kGfnEnd; ENOMEM pool
/// empty; EPERM a granted frame is there, which only its unmapping takes away.
Status stage2_map(DomainMemory& memory, Gfn gfn, Mfn mfn, bool writable = true);
/// The same for a granted frame; EPERM also for one of device memory. One of the domain's own frames is not at its
/// former place any more afterwards.
Status stage2_map_grant(DomainMemory& memory, Gfn gfn, Mfn mfn, bool writable);
/// Removes a mapping; false when there was none. The M2P entry of the frame becomes invalid.
bool stage2_unmap(DomainMemory& memory, Gfn gfn);

/// Makes an entry on demand of a frame, whatever was mapped there. Errors as stage2_map.
Status stage2_promise(DomainMemory& memory, Gfn gfn);
/// Maps a frame of device memory, in place of whatever is there. Errors as stage2_map.
Status stage2_map_device(DomainMemory& memory, Gfn gfn, Mfn mfn);
/// Removes an entry on demand or a device frame. False when there is neither.
bool stage2_forget(DomainMemory& memory, Gfn gfn);
/// Entries on demand in the whole table, counted: for audits.
uint64_t stage2_count_promised(const DomainMemory& memory);
/// Calls `each` for every frame that is mapped, but for granted ones: for audits.
void stage2_visit(const DomainMemory& memory, void (*each)(void*, Gfn, Mfn), void* context);

/// The host address behind a guest-physical address for a whole access within one page; null when not mapped (or not
/// writable for a write).
uint8_t* stage2_bytes(const DomainMemory& memory, Gpa gpa, bool write);

/// Log-dirty tracking (log_dirty.hpp): every entry is read-only, and those that were writable remember it.
void stage2_protect(DomainMemory& memory);
/// The entries of one table whose bits are set, from `first` on, which is the table's first frame.
using Stage2Frames = std::array<uint64_t, 8>;
void stage2_protect_some(DomainMemory& memory, Gfn first, const Stage2Frames& frames);
void stage2_unprotect(DomainMemory& memory);
/// One entry; false when it was not protected. A cached read-only translation need not be flushed for it.
bool stage2_unprotect_one(const DomainMemory& memory, Gfn gfn);

Status stage2_create(DomainMemory& memory);
void stage2_destroy(DomainMemory& memory);

}  // namespace hv
