/// What a domain has mapped of others: one entry per handle. Handles are used in turn, so a stale one stays invalid for
/// as long as possible. Nothing here is a scheduling point, so each call is atomic.
#pragma once

#include <cstdint>

#include "hv/base/types.hpp"

namespace hv {

struct GrantTable;

using GrantRef = Strong<struct GrantRefTag, uint32_t>;
using GrantHandle = Strong<struct GrantHandleTag, uint32_t>;

constexpr GrantHandle kNoHandle{~uint32_t{0}};
constexpr uint32_t kHandlesPerFrame = 256;

struct MaptrackEntry {
  GrantTable* granter;   ///< null: free
  uint32_t ref_or_next;  ///< in use: the reference; free: the next free handle
  uint16_t flags;        ///< GNTMAP_*, less what has been unmapped; 0: the handle is not valid
  uint16_t reserved;
};
static_assert(sizeof(MaptrackEntry) == 16);

struct Maptrack {
  uint32_t frames_max = 0;  ///< of kHandlesPerFrame entries each
  uint32_t frames = 0;
  uint32_t first_free = 0;  ///< valid while frames != 0
  uint32_t last_free = 0;
  uint32_t in_use = 0;
  uint32_t next_to_release = 0;       ///< release_mappings has done all handles below
  MaptrackEntry** entries = nullptr;  ///< frames_max pointers; null until the first handle
};

[[nodiscard]] inline uint32_t handles_of(const Maptrack& track) {
  return track.frames * kHandlesPerFrame;
}
/// The handle must be below handles_of.
inline MaptrackEntry& maptrack_entry(const Maptrack& track, GrantHandle handle) {
  return track.entries[handle.raw() / kHandlesPerFrame][handle.raw() % kHandlesPerFrame];
}

/// A free handle; kNoHandle when the limit is reached. The last free entry is never handed out, as on the real Xen: a
/// table of one frame has 255 handles.
GrantHandle take_handle(Maptrack& track);
/// The handle goes behind all others that are free.
void give_handle(Maptrack& track, GrantHandle handle);
void maptrack_free_memory(Maptrack& track);

}  // namespace hv
