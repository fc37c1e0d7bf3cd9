/// What a domain owns of the machine: frames, limits, and for HVM guests the second-stage table.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/base/lock.hpp"
#include "hv/base/types.hpp"

namespace hv {

enum class GuestKind : uint8_t { kPv64, kHvm };

/// Doubly linked through the frame table. Frame 0 is the core's own and therefore means "none" here.
struct FrameList {
  Mfn head{};
  Mfn tail{};
  uint64_t count = 0;
};

/// The memory component of a domain. Other components reach it through their Domain. It must outlive its last frame:
/// frames that others still hold keep it as their owner after relinquish_memory (see `released`).
struct DomainMemory {
  DomId id;
  GuestKind kind = GuestKind::kPv64;
  bool privileged = false;    ///< may name other domains' frames
  bool dying = false;         ///< takes no new frames
  bool relinquished = false;  ///< relinquish_memory is done
  Lock lock;                  ///< page tables, p2m, reservations: one operation at a time
  FrameList pages;            ///< frames that count as the domain's reservation
  FrameList core_pages;       ///< the core's frames that are shared with the domain
  FrameList leftover_pages;   ///< dying: frames given up that others still hold
  uint64_t tot_pages = 0;
  uint64_t max_pages = 0;
  uint64_t claimed_pages = 0;              ///< XENMEM_claim_pages: frames set aside and not yet allocated
  Mfn shared_info = kInvalidMfn;           ///< owned by the core, shared with the guest
  Mfn stage2_root = kInvalidMfn;           ///< HVM: 4-level second-stage table in machine frames
  FrameList paging_pool;                   ///< HVM: frames of the pool that are not in use
  FrameList paging_tables;                 ///< HVM: frames of the pool that are second-stage tables
  uint64_t paging_pool_frames = 0;         ///< HVM: size of the pool, used and unused
  FrameList on_demand_cache;               ///< HVM: zeroed frames for entries on demand, part of tot_pages
  uint64_t on_demand_entries = 0;          ///< HVM: entries of the second-stage table that have no memory yet
  uint64_t max_gpfn = 0;                   ///< HVM: highest gfn ever populated
  uint64_t tlb_version = 1;                ///< grows whenever a cached translation may be stale
  uint64_t vm_assist = 0;                  ///< 1 << VMASST_TYPE_*, for the whole domain
  struct LogDirty* log_dirty = nullptr;    ///< HVM: null until tracking was first asked for
  struct MemoryMap* memory_map = nullptr;  ///< XENMEM_set_memory_map; null = none
  /// Called when the last frame goes after relinquish_memory was done. Null = nobody waits.
  void (*released)(DomainMemory&) = nullptr;
  /// Called when an entry on demand was touched and there is no memory for it.
  void (*out_of_memory)(DomainMemory&) = nullptr;
};

/// Prepares the memory of a new domain: limits, shared_info (allocated, zeroed and shared with the guest) and for HVM a
/// paging pool of kInitialPagingPool frames with an empty second-stage table. `id`, `kind` and `privileged` must be
/// set. Errors: ENOMEM, and then nothing is left behind.
Status memory_create(DomainMemory& memory);

/// Takes the domain's memory away: pins and allocation references are dropped, the second-stage table is emptied.
/// Call it again with a fresh budget while it returns false; the caller must have dropped the roots that vCPUs hold.
/// `budget` counts frames and is lowered by the work done. Frames that others hold stay until they let go.
[[nodiscard]] bool relinquish_memory(DomainMemory& memory, uint64_t& budget);

/// The last step of destruction, after relinquish_memory or for a domain that never had memory: frees shared_info (as
/// soon as nobody maps it) and the paging pool. Idempotent.
void memory_destroy(DomainMemory& memory);

/// True when no frame, not even a shared one, has this memory as its owner any more.
[[nodiscard]] bool memory_empty(const DomainMemory& memory);

/// The machine frame that a guest names. PV64: the frame itself when the domain owns it. HVM: through the second-stage
/// table, RAM only. Takes no reference. EINVAL otherwise.
Result<Mfn> resolve_gfn(const DomainMemory& memory, Gfn gfn);

/// Frames of an HVM domain's paging pool at creation.
constexpr uint64_t kInitialPagingPool = 256;

/// XEN_DOMCTL_{get,set}_paging_mempool_size. Errors of set, in order: EOPNOTSUPP PV64; EINVAL not a multiple of the
/// page size; ENOMEM (the pool keeps what it has got so far). What second-stage tables use is never given back.
Result<uint64_t> paging_pool_bytes(const DomainMemory& memory);
Status set_paging_pool_bytes(DomainMemory& memory, uint64_t bytes);

/// Translations of this domain that someone cached are not to be used any more, from the end of this entry into the
/// core on. See translations.hpp.
void flush_translations(DomainMemory& memory);

}  // namespace hv
