/// Checks domains, their vCPUs and their event channels. Reads only.
#pragma once

#include <cstdint>

namespace hv {

/// Returns the number of violations, each described through `report`.
uint32_t domains_audit(void (*report)(void*, const char*), void* context);

}  // namespace hv
