/// What a domain owns of the machine: frames, limits, and for HVM guests the second-stage table.
#pragma once

#include <cstdint>

#include "hv/base/lock.hpp"
#include "hv/base/types.hpp"

namespace hv {

enum class GuestKind : uint8_t { kPv64, kHvm };

struct FrameList {  ///< doubly linked through the frame table; head and tail are frame numbers
  Mfn head = kInvalidMfn;
  Mfn tail = kInvalidMfn;
  uint64_t count = 0;
};

/// The memory component of a domain. Other components reach it through their Domain.
struct DomainMemory {
  DomId id;
  GuestKind kind = GuestKind::kPv64;
  bool privileged = false;  ///< may name other domains' frames
  bool dying = false;       ///< takes no new frames
  Lock lock;                ///< pages, counts, p2m
  FrameList pages;
  uint64_t tot_pages = 0;
  uint64_t max_pages = 0;
  Mfn shared_info = kInvalidMfn;  ///< owned by the core, shared with the guest
  Mfn stage2_root = kInvalidMfn;  ///< HVM: 4-level second-stage table in machine frames
  uint64_t paging_pool_frames = 0;  ///< HVM: set_paging_mempool_size, in frames
  uint64_t paging_pool_used = 0;
  uint64_t max_gpfn = 0;          ///< HVM: highest populated gfn; PV: what the guest publishes in shared_info
  uint64_t tlb_version = 1;       ///< grows whenever a cached translation may be stale
};

}  // namespace hv
