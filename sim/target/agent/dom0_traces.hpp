/// What a case can do to dom0 that no clean-up takes back: then only a fresh boot gives the next case the same start.
#pragma once

#include "sim/target/target.hpp"

namespace assay::agents {

/// True when the request is a hypercall after which dom0 differs for good. `result` is what it returned; 0 when that is
/// not known yet. Calls inside a multicall are not seen.
bool leaves_traces(const GuestRequest& request, int64_t result);

}  // namespace assay::agents
