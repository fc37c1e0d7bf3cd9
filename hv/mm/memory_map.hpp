/// The memory map that a toolstack leaves for a guest to ask for. Source: public/memory.h, XENMEM_set_memory_map.
#pragma once

#include <array>
#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/mm/domain_memory.hpp"

namespace hv {

/// Layout of an entry in the public interface: the BIOS's own, 20 bytes, packed.
struct [[gnu::packed]] MemoryMapEntry {
  uint64_t address;
  uint64_t size;
  uint32_t type;
};
static_assert(sizeof(MemoryMapEntry) == 20);

constexpr uint32_t kMemoryMapRam = 1;
constexpr uint32_t kMemoryMapEntriesMax = 1024;

struct MemoryMap {
  uint32_t count;
  MemoryMapEntry* entries;
};

/// Takes over `entries`, an arena array of `count`. ENOMEM: nothing changed.
Status memory_map_replace(DomainMemory& memory, MemoryMapEntry* entries, uint32_t count);
void memory_map_clear(DomainMemory& memory);

}  // namespace hv
