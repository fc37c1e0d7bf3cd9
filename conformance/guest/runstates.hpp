/// Runstate records.
#pragma once

#include "conformance/guest/wait.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

using Runstate = vcpu_runstate_info_t;

inline uint64_t sum(const Runstate& info) {
  return info.time[0] + info.time[1] + info.time[2] + info.time[3];
}

/// How long a case lets a vCPU stay in a state whose time it then looks at. A state may begin by the clock of one pCPU
/// and end by another's, who wakes the vCPU, and what the two are apart is in its time: half of this is more than
/// clock_error_ns.
inline uint64_t stay_ns(CaseContext& c) {
  return clock_error_ns(c) == 0 ? kWatchNs : kDelayNs;
}

}  // namespace assay
