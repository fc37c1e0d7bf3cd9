#include "hv/grant/maptrack.hpp"

#include "hv/base/arena.hpp"
#include "hv/base/host.hpp"

namespace hv {

namespace {

/// A further frame of entries, in front of those that are free. False: limit or memory.
bool grow(Maptrack& track) {
  if (track.frames == track.frames_max) return false;
  if (track.entries == nullptr) track.entries = arena_array<MaptrackEntry*>(track.frames_max);
  auto* fresh = track.entries == nullptr ? nullptr : arena_array<MaptrackEntry>(kHandlesPerFrame);
  if (fresh == nullptr) return false;
  const uint32_t first = handles_of(track);
  for (uint32_t i = 0; i + 1 < kHandlesPerFrame; ++i) fresh[i].ref_or_next = first + i + 1;
  const uint32_t last = first + kHandlesPerFrame - 1;
  if (track.frames == 0) {
    track.last_free = last;
  } else {
    fresh[kHandlesPerFrame - 1].ref_or_next = track.first_free;
  }
  track.first_free = first;
  track.entries[track.frames++] = fresh;
  return true;
}

}  // namespace

GrantHandle take_handle(Maptrack& track) {
  if ((track.frames == 0 || track.first_free == track.last_free) && !grow(track)) return kNoHandle;
  const GrantHandle handle{track.first_free};
  track.first_free = maptrack_entry(track, handle).ref_or_next;
  ++track.in_use;
  return handle;
}

void give_handle(Maptrack& track, GrantHandle handle) {
  HV_ASSERT(track.in_use > 0);
  maptrack_entry(track, handle) = MaptrackEntry{};
  maptrack_entry(track, GrantHandle{track.last_free}).ref_or_next = handle.raw();
  track.last_free = handle.raw();
  --track.in_use;
}

void maptrack_free_memory(Maptrack& track) {
  for (uint32_t i = 0; i < track.frames; ++i) arena_array_free(track.entries[i], kHandlesPerFrame);
  arena_array_free(track.entries, track.frames_max);
  track = Maptrack{};
}

}  // namespace hv
