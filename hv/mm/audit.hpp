/// Checks the frame table against the lists, the page tables, the M2P and the second-stage tables. Reads only.
#pragma once

#include <cstdint>

#include "hv/mm/domain_memory.hpp"

namespace hv {

/// The machine as a whole: free blocks, frame states, owners. Returns the number of violations, each described through
/// `report`.
uint32_t frames_audit(void (*report)(void*, const char*), void* context);
/// One domain: counts against lists, entries of validated tables against references, p2m against M2P.
uint32_t memory_audit(const DomainMemory& memory, void (*report)(void*, const char*), void* context);

}  // namespace hv
