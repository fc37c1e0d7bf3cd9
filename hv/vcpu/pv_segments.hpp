/// Data segment selectors of a PV64 vCPU: what the guest's descriptor table lets it load, and what becomes of the rest.
/// Source: public/callback.h, CALLBACKTYPE_failsafe; AMD64 manual, volume 2, chapter 4.
#pragma once

#include "hv/vcpu/vcpu.hpp"

namespace hv {

/// True when a data segment register can be loaded with it in ring 3: null, one of the flat ones, or a present data or
/// readable code descriptor of the guest's GDT or LDT that ring 3 may use. `base` is then where the segment begins.
[[nodiscard]] bool pv_selector_loadable(Vcpu& vcpu, uint16_t selector, uint64_t& base);

/// After a switch to this vCPU: selectors that cannot be loaded any more become null, and the kernel is entered at its
/// failsafe callback with the old ones in the frame. False when there is no such callback or no stack: the domain has
/// to be crashed.
[[nodiscard]] bool pv_load_segments(Vcpu& vcpu);

}  // namespace hv
