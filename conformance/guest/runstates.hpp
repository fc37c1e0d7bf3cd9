/// Runstate records.
#pragma once

#include "sim/abi/xen.hpp"

namespace assay {

using Runstate = vcpu_runstate_info_t;

inline uint64_t sum(const Runstate& info) {
  return info.time[0] + info.time[1] + info.time[2] + info.time[3];
}

}  // namespace assay
