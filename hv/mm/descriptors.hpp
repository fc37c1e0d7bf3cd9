/// Segment descriptors that a PV guest may have in its tables. Source: AMD64 manual, volume 2, chapter 4.7; the guest
/// runs in ring 3, see public/arch-x86/xen.h.
#pragma once

#include "hv/base/types.hpp"

namespace hv {

/// False: a gate or system segment that could be used against the hypervisor. True: harmless, after its privilege level
/// was raised to that of the guest's kernel. What is not present is left as it is.
[[nodiscard]] bool fix_descriptor(uint64_t& descriptor);
/// The same for all of a frame, in place, up to the first that is refused.
[[nodiscard]] bool fix_descriptors(Mfn frame);

}  // namespace hv
