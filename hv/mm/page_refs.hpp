/// References to frames: general ones keep a frame with its owner, typed ones keep it what it is.
/// A frame without references is freed at once. Nothing here is a scheduling point, so each call is atomic.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv {

/// Takes a general reference when `owner` owns the frame. False otherwise, also for any number that is no frame.
[[nodiscard]] bool get_page(Mfn mfn, const DomainMemory& owner);
/// As above whoever the owner is; null when nobody owns it.
DomainMemory* get_page_and_owner(Mfn mfn);
void put_page(Mfn mfn);

/// Takes a typed reference; the caller holds a general one. A frame without typed references takes any type; a
/// page-table type is validated first. Errors: EINVAL in use as another type; what the validation found.
/// On error nothing changes.
Status get_page_type(Mfn mfn, PageType type);
/// Drops it; the last one of a page table releases what its entries refer to.
void put_page_type(Mfn mfn);

/// Both. EINVAL when `owner` does not own it.
Status get_page_and_type(Mfn mfn, const DomainMemory& owner, PageType type);
void put_page_and_type(Mfn mfn);

/// A frame that the guest names, held writable (vcpu_info, runstate areas, ...). EINVAL: no such frame or no RAM;
/// EINVAL: a page table or descriptor table. Release with put_page_and_type.
Result<Mfn> get_writable_gfn(DomainMemory& memory, Gfn gfn);
/// A general reference to the frame that the guest names; an entry on demand gets its memory now. EINVAL. Release with
/// put_page.
Result<Mfn> get_page_from_gfn(DomainMemory& memory, Gfn gfn);

/// Drops the allocation reference (once; the caller holds another reference or the frame is freed). False when it was
/// dropped before.
bool drop_allocation(Mfn mfn);

/// MMUEXT_PIN_*: takes general and typed reference and keeps them until it is unpinned or its owner dies.
/// Errors, in order: EINVAL not the owner's frame; what the validation found; EINVAL pinned already.
Status pin_page(Mfn mfn, const DomainMemory& owner, PageType type);
/// Drops the pin, if there is one. False when there was none.
bool unpin_page(Mfn mfn);

}  // namespace hv
