/// The guest's view of which frame is where: placing, moving and giving up frames by gfn. PV64 guests have no such
/// table of the core's; for them only the M2P follows.
#pragma once

#include "hv/base/error.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

/// Puts 2^order frames of the domain at `gfn` and after. PV64: sets the M2P. Errors: ENOENT, ENOMEM, EPERM as
/// stage2_map; frames placed so far are taken out again.
Status physmap_add(DomainMemory& memory, Gfn gfn, Mfn mfn, unsigned order);

/// Gives a page of RAM back: unmapped, allocation reference dropped. A frame that the core shares is only unmapped.
/// An entry on demand is given up without memory. EINVAL: nothing there that the domain owns. Source: public/memory.h,
/// XENMEM_decrease_reservation.
Status physmap_give_up(DomainMemory& memory, Gfn gfn);

/// HVM: maps a frame of the domain at `gfn`, and nowhere else: what was there is given up, where it was before is
/// empty. EPERM: device memory is there. Source: public/memory.h, XENMEM_add_to_physmap.
Status physmap_move(DomainMemory& memory, Mfn mfn, Gfn gfn);

}  // namespace hv
