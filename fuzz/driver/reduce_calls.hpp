/// Makes the calls that a hypervisor died of few and plain: every attempt on a machine of its own.
#pragma once

#include <cstdint>
#include <functional>

#include "fuzz/targets/guests/calls.hpp"

namespace assay::fuzz {

struct Reduced {
  Calls calls;
  uint64_t tried = 0;
  bool repeats = true;     ///< the calls as they were given killed it again
  bool is_minimal = true;  ///< otherwise time was up
};

/// Throws nothing of its own. `is_deadly` makes the calls; `goes_on` is asked between attempts.
Reduced reduce(const Calls& calls, const std::function<bool(const Calls&)>& is_deadly,
               const std::function<bool()>& goes_on);

}  // namespace assay::fuzz
