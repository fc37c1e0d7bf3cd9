/// A frame leaves its owner without being freed, and another one takes it as it is.
#pragma once

#include "hv/base/error.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

/// Takes a frame away from a PV64 domain: afterwards nobody owns it. EINVAL: not a frame of its reservation, or
/// anything but the allocation refers to it.
Status take_frame(DomainMemory& from, Mfn mfn);
/// Gives a frame that nobody owns to a domain; limits are the caller's business.
void give_frame(DomainMemory& to, Mfn mfn);
/// Frees a frame that nobody owns.
void discard_frame(Mfn mfn);

}  // namespace hv
