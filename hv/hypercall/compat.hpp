/// Hypercalls of callers in 32-bit mode: structures with pointers or frame numbers in them are laid out differently.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv {

/// Runs the handler with the arguments in the layout that it knows, and brings back what it wrote. ENOSYS for an
/// operation whose structure differs and is not translated.
int64_t compat_dispatch(Call& call);

}  // namespace hv
