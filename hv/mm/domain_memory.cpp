#include "hv/mm/domain_memory.hpp"

#include "hv/base/fault.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/log_dirty.hpp"
#include "hv/mm/memory_map.hpp"
#include "hv/mm/on_demand.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/paging_pool.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

/// Unpins and gives up one frame of a dying domain; what others hold moves to the leftovers.
void give_up_frame(DomainMemory& memory, Mfn mfn) {
  FrameInfo& info = frame_info(mfn);
  list_remove(memory.pages, mfn);
  list_append(memory.leftover_pages, mfn);
  info.state = FrameState::kLeftover;
  unpin_page(mfn);
  drop_allocation(mfn);
}

}  // namespace

Status memory_create(DomainMemory& memory) {
  memory.shared_info = alloc_shared_frame(memory);
  if (memory.shared_info == kInvalidMfn) return fail(XEN_ENOMEM);
  if (memory.kind != GuestKind::kHvm) return kOk;
  Status status = resize_paging_pool(memory, kInitialPagingPool);
  if (status.ok()) status = stage2_create(memory);
  if (!status.ok()) memory_destroy(memory);
  return status;
}

bool relinquish_memory(DomainMemory& memory, uint64_t& budget) {
  memory.dying = true;
  const Status unclaimed = fault("memory.claims_outlive_domain") ? kOk : claim_frames(memory, 0);
  HV_ASSERT(unclaimed.ok());
  on_demand_forget(memory);
  while (memory.pages.count != 0) {
    if (budget == 0) return false;
    --budget;
    give_up_frame(memory, memory.pages.head);
  }
  for (Mfn mfn = memory.core_pages.head; mfn != Mfn{};) {
    const Mfn next{frame_info(mfn).next};
    drop_allocation(mfn);
    mfn = next;
  }
  log_dirty_destroy(memory);
  if (memory.stage2_root != kInvalidMfn) stage2_destroy(memory);
  memory.relinquished = true;
  return true;
}

void memory_destroy(DomainMemory& memory) {
  HV_ASSERT(memory.pages.count == 0);
  if (memory.shared_info != kInvalidMfn) free_shared_frame(memory.shared_info);
  memory.shared_info = kInvalidMfn;
  log_dirty_destroy(memory);
  if (memory.stage2_root != kInvalidMfn) stage2_destroy(memory);
  const Status status = resize_paging_pool(memory, 0);
  HV_ASSERT(status.ok());
  memory_map_clear(memory);
}

bool memory_empty(const DomainMemory& memory) {
  return memory.pages.count == 0 && memory.leftover_pages.count == 0 && memory.core_pages.count == 0;
}

Result<Mfn> resolve_gfn(const DomainMemory& memory, Gfn gfn) {
  if (memory.kind == GuestKind::kPv64) {
    const Mfn mfn{gfn.raw()};
    if (!frame_valid(mfn) || frame_info(mfn).owner != &memory) return fail(XEN_EINVAL);
    return mfn;
  }
  const Stage2Entry entry = stage2_lookup(memory, gfn);
  if (!entry.present) return fail(XEN_EINVAL);
  return entry.mfn;
}

}  // namespace hv
