#include "hv/mm/memory_map.hpp"

#include "hv/base/arena.hpp"

namespace hv {

Status memory_map_replace(DomainMemory& memory, MemoryMapEntry* entries, uint32_t count) {
  auto* map = arena_new<MemoryMap>();
  if (map == nullptr) return fail(XEN_ENOMEM);
  map->count = count;
  map->entries = entries;
  memory_map_clear(memory);
  memory.memory_map = map;
  return kOk;
}

void memory_map_clear(DomainMemory& memory) {
  if (memory.memory_map == nullptr) return;
  arena_array_free(memory.memory_map->entries, memory.memory_map->count);
  arena_delete(memory.memory_map);
  memory.memory_map = nullptr;
}

}  // namespace hv
