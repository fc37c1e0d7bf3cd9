#include "hv/grant/status_frames.hpp"

#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

void drop_down_to(GrantTable& table, uint32_t keep) {
  while (table.status_frames > keep) free_shared_frame(table.status[--table.status_frames]);
}

void unmap_from_guest(DomainMemory& memory, Mfn mfn) {
  const LockGuard guard(memory.lock);
  const uint64_t gfn = m2p_get(mfn);
  if (gfn != kInvalidM2p) stage2_unmap(memory, Gfn{gfn});
}

}  // namespace

bool add_status_frames(GrantTable& table) {
  const uint32_t before = table.status_frames;
  while (table.status_frames < status_frames_for(table.frames)) {
    const Mfn mfn = alloc_shared_frame(*table.memory);
    if (mfn == kInvalidMfn) {
      drop_down_to(table, before);
      return false;
    }
    table.status[table.status_frames++] = mfn;
  }
  return true;
}

void drop_status_frames(GrantTable& table) {
  drop_down_to(table, 0);
}

bool status_frames_in_use(GrantTable& table) {
  bool in_use = false;
  for (uint32_t i = 0; i < table.status_frames; ++i) {
    if (table.memory->kind == GuestKind::kHvm) unmap_from_guest(*table.memory, table.status[i]);
    if (frame_info(table.status[i]).refs > 1) in_use = true;
  }
  return in_use;
}

}  // namespace hv
