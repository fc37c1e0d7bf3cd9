/// Hands out machine frames in naturally aligned blocks of 2^order. What it hands out is always zero: frames are zero
/// at boot, and a frame that had an owner is scrubbed before it gets the next one.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

constexpr unsigned kOrderMax = 20;

/// Frames for the core itself. kInvalidMfn when there is no such block.
Mfn alloc_core_frames(unsigned order);
void free_core_frames(Mfn mfn, unsigned order);

/// Frames for a domain: owned, linked, counted in tot_pages, one allocation reference each, M2P entries invalid.
/// `limit_bits`: the block must lie below 2^limit_bits bytes; 0 = anywhere.
/// Errors, in order: EINVAL dying; E2BIG max_pages would be exceeded; ENOMEM. On error nothing changes.
Result<Mfn> alloc_domain_frames(DomainMemory& owner, unsigned order, unsigned limit_bits = 0);

/// One zeroed frame of the core that the domain can map writable (shared_info, grant table frames): owner set, not
/// counted in tot_pages. The guest can never make a page table of it. kInvalidMfn when there is none.
Mfn alloc_shared_frame(DomainMemory& guest);
/// As above for a frame that the core has already.
void share_frame_with_guest(Mfn mfn, DomainMemory& guest);
/// Ends the sharing and frees the frame as soon as nobody maps it.
void free_shared_frame(Mfn mfn);

/// Sets frames aside for a domain, so that it will have `total` of them; 0 gives up what is set aside.
/// Errors, in order: EINVAL a claim exists already, or `total` is not above tot_pages or is above max_pages; ENOMEM.
/// Source: public/memory.h, XENMEM_claim_pages.
Status claim_frames(DomainMemory& owner, uint64_t total);
/// Frames set aside by all domains and not yet allocated.
uint64_t frames_claimed();
/// For a machine that boots.
void forget_claims();

uint64_t frames_free();
uint64_t frames_total();

}  // namespace hv
