/// The page of entry stubs that a guest calls instead of knowing how to trap. 32 bytes per hypercall number.
#pragma once

#include "hv/mm/domain_memory.hpp"

namespace hv {

/// Fills a frame: PV64 stubs use syscall (iret: without saving registers), HVM stubs use vmmcall.
void fill_hypercall_page(GuestKind kind, Mfn mfn);
/// As above into a frame that the guest names. EINVAL when it is not the domain's or cannot be writable.
Status fill_hypercall_page_at(DomainMemory& memory, Gfn gfn);

}  // namespace hv
