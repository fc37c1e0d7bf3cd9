/// How a table comes, grows and goes.
#include "hv/base/arena.hpp"
#include "hv/grant/grant_table.hpp"
#include "hv/grant/status_frames.hpp"
#include "hv/mm/frame_alloc.hpp"

namespace hv {

namespace {

bool add_frame(GrantTable& table) {
  const Mfn mfn = alloc_shared_frame(*table.memory);
  if (mfn == kInvalidMfn) return false;
  auto* active = arena_array<ActiveGrant>(kRefsPerFrameV1);
  if (active == nullptr) {
    free_shared_frame(mfn);
    return false;
  }
  table.shared[table.frames] = mfn;
  table.active[table.frames] = active;
  ++table.frames;
  return true;
}

void drop_frames(GrantTable& table, uint32_t keep) {
  while (table.frames > keep) {
    --table.frames;
    free_shared_frame(table.shared[table.frames]);
    arena_array_free(table.active[table.frames], kRefsPerFrameV1);
  }
}

}  // namespace

GrantTable* grant_table_create(DomainMemory& memory, const GrantLimits& limits) {
  HV_ASSERT(limits.frames_max >= kGrantFramesInitial && limits.frames_max <= kGrantFramesMax);
  auto* table = arena_new<GrantTable>();
  if (table == nullptr) return nullptr;
  table->id = memory.id;
  table->memory = &memory;
  table->frames_max = limits.frames_max;
  table->version_max = limits.version_max;
  table->maptrack.frames_max = limits.maptrack_frames_max;
  if (grant_table_grow(*table, kGrantFramesInitial).ok()) return table;
  arena_delete(table);
  return nullptr;
}

void grant_table_destroy(GrantTable* table) {
  HV_ASSERT(table->maptrack.in_use == 0);
  drop_status_frames(*table);
  drop_frames(*table, 0);
  maptrack_free_memory(table->maptrack);
  table->memory = nullptr;
  if (table->handles == 0) arena_delete(table);
}

Status grant_table_grow(GrantTable& table, uint32_t frames) {
  HV_ASSERT(frames <= table.frames_max);
  const uint32_t before = table.frames;
  while (table.frames < frames) {
    if (!add_frame(table)) {
      drop_frames(table, before);
      return fail(XEN_ENOMEM);
    }
  }
  if (table.version == 1 || add_status_frames(table)) return kOk;
  drop_frames(table, before);
  return fail(XEN_ENOMEM);
}

Result<Mfn> grant_table_frame(GrantTable& table, uint32_t index, bool status) {
  if (status && table.version == 1) return fail(XEN_EINVAL);
  constexpr uint32_t kFramesPerStatus = kStatusPerFrame / kRefsPerFrameV2;
  // So far from any limit that the arithmetic below cannot wrap.
  if (index >= kGrantFramesMax) return fail(XEN_EINVAL);
  const uint32_t wanted = status ? (index + 1) * kFramesPerStatus : index + 1;
  const bool there = index < (status ? table.status_frames : table.frames);
  if (!there && (wanted > table.frames_max || !grant_table_grow(table, wanted).ok())) return fail(XEN_EINVAL);
  return status ? table.status[index] : table.shared[index];
}

}  // namespace hv
