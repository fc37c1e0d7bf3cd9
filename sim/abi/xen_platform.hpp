/// Xen's public header of the platform, for those few who ask for it: it needs the others before it.
#pragma once

#include "sim/abi/xen.hpp"
// clang-format off: after what it needs
#include <xen/platform.h>
// clang-format on
