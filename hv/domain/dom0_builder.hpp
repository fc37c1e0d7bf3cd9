/// The first domain, built by the core itself because nobody is there yet to ask for it.
#pragma once

#include "hv/base/error.hpp"
#include "sim/port/port.h"

namespace hv {

/// Creates domain 0 (PV64, privileged) from an ELF image, loads it, and lets it run. On error the reason is on the
/// console and nothing runs. Errors: EINVAL an image that cannot be a PV64 guest; ENOMEM.
Status build_dom0(const assay_image& image);

}  // namespace hv
