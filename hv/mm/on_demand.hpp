/// Populate on demand: guest frames of an HVM domain that are promised but have no memory yet, and the cache of zeroed
/// frames that fills them when they are touched. Source: public/memory.h, XENMEMF_populate_on_demand and
/// XENMEM_set_pod_target.
///
/// Frames of the cache count in tot_pages, belong to nobody's physmap and are on a list of their own. Nothing here is a
/// scheduling point: a touch in the middle of a longer operation is one step of it.
#pragma once

#include "hv/mm/domain_memory.hpp"

namespace hv {

/// Promises 2^order frames from `gfn` on. Errors, in order: EINVAL PV64; EBUSY memory is there already; ENOENT, ENOMEM
/// as stage2_map (what was promised so far stays).
Status on_demand_promise(DomainMemory& memory, Gfn gfn, unsigned order);

/// Gives the entry at `gfn` memory of the cache, or of a zero page taken back from the domain. False: no such entry, or
/// no memory, and then `out_of_memory` was called.
bool on_demand_touch(DomainMemory& memory, Gfn gfn);

/// What decrease_reservation does to a frame of a domain with entries: an entry is given up, and cache that no entry
/// needs any more is freed; memory goes to the cache while that is smaller than the entries. False: neither, the frame
/// is the caller's business.
bool on_demand_decrease(DomainMemory& memory, Gfn gfn);

/// Sizes the cache so that the domain has `pages` in all. Does at most `budget` frames and lowers it; call again while
/// it is used up. A running domain never gets more cache than entries, nor less than it has. ENOMEM: some were missing.
Status on_demand_set_target(DomainMemory& memory, uint64_t pages, uint64_t& budget);

/// Hands the cache back to the domain's ordinary frames: it dies.
void on_demand_forget(DomainMemory& memory);

}  // namespace hv
