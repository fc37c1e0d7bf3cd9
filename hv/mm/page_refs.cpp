#include "hv/mm/page_refs.hpp"

#include <limits>

#include "hv/base/fault.hpp"
#include "hv/mm/descriptors.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/free_blocks.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/on_demand.hpp"
#include "hv/mm/page_tables.hpp"
#include "hv/mm/translations.hpp"

namespace hv {

namespace {

constexpr uint32_t kRefsMax = std::numeric_limits<uint32_t>::max();

void release_frame(Mfn mfn, FrameInfo& info) {
  forget_stale_translations();
  info = FrameInfo{};
  info.needs_scrub = !fault("memory.frames_not_scrubbed");
  m2p_set(mfn, kInvalidM2p);
  give_block(mfn, 0);
}

void unshare_frame(Mfn mfn, FrameInfo& info) {
  const bool free_it = info.free_when_unshared;
  forget_stale_translations();
  info = FrameInfo{};
  info.state = FrameState::kCore;
  m2p_set(mfn, kInvalidM2p);
  if (free_it) free_core_frames(mfn, 0);
}

/// The last general reference is gone.
void frame_unreferenced(Mfn mfn, FrameInfo& info) {
  DomainMemory* owner = info.owner;
  HV_ASSERT(owner != nullptr && !info.pinned && !info.allocated);
  if (info.state == FrameState::kShared) {
    HV_ASSERT(info.type_refs == 0);
    list_remove(owner->core_pages, mfn);
    unshare_frame(mfn, info);
  } else {
    HV_ASSERT(info.type_refs == 0 && info.linear == 0);
    list_remove(info.state == FrameState::kLeftover ? owner->leftover_pages : owner->pages, mfn);
    HV_ASSERT(owner->tot_pages > 0);
    --owner->tot_pages;
    release_frame(mfn, info);
  }
  if (owner->relinquished && owner->released != nullptr && memory_empty(*owner)) owner->released(*owner);
}

Status validate_as(Mfn mfn, FrameInfo& info, PageType type) {
  info.type = type;
  info.type_refs = 1;
  const Status status = validate_table(mfn, table_level(type));
  if (!status.ok()) {
    info.type_refs = 0;
    info.type = PageType::kNone;
    return status;
  }
  info.validated = true;
  return kOk;
}

}  // namespace

bool get_page(Mfn mfn, const DomainMemory& owner) {
  if (!frame_valid(mfn)) return false;
  FrameInfo& info = frame_info(mfn);
  if (info.owner != &owner || info.refs == 0 || info.refs == kRefsMax) return false;
  ++info.refs;
  return true;
}

DomainMemory* get_page_and_owner(Mfn mfn) {
  if (!frame_valid(mfn)) return nullptr;
  DomainMemory* owner = frame_info(mfn).owner;
  return owner != nullptr && get_page(mfn, *owner) ? owner : nullptr;
}

void put_page(Mfn mfn) {
  FrameInfo& info = frame_info(mfn);
  HV_ASSERT(info.refs > 0);
  if (--info.refs == 0) frame_unreferenced(mfn, info);
}

Status get_page_type(Mfn mfn, PageType type) {
  FrameInfo& info = frame_info(mfn);
  HV_ASSERT(info.refs > 0 && type != PageType::kNone);
  // A vCPU could still write to what is about to be checked. The caller's general reference keeps the frame meanwhile.
  const bool changes = info.type_refs == 0 && type != PageType::kWritable && !fault("mmu.type_change_not_flushed");
  if (changes) flush_stale_translations();
  if (info.type_refs != 0) {
    if (info.type != type || info.type_refs == kRefsMax) return fail(XEN_EINVAL);
    ++info.type_refs;
    return kOk;
  }
  HV_ASSERT(!info.validated);
  if (table_level(type) != 0) return validate_as(mfn, info, type);
  if (type == PageType::kSegDesc && !fix_descriptors(mfn)) return fail(XEN_EINVAL);
  info.type = type;
  info.type_refs = 1;
  return kOk;
}

void put_page_type(Mfn mfn) {
  FrameInfo& info = frame_info(mfn);
  HV_ASSERT(info.type_refs > 0);
  if (--info.type_refs != 0) return;
  if (info.validated) {
    info.validated = false;
    if (!fault("mmu.last_type_not_released")) release_table(mfn, table_level(info.type));
  }
  info.type = PageType::kNone;
}

Status get_page_and_type(Mfn mfn, const DomainMemory& owner, PageType type) {
  if (!get_page(mfn, owner)) return fail(XEN_EINVAL);
  const Status status = get_page_type(mfn, type);
  if (!status.ok() && !fault("mmu.failed_pin_leaks_page")) put_page(mfn);
  return status;
}

void put_page_and_type(Mfn mfn) {
  put_page_type(mfn);
  put_page(mfn);
}

Result<Mfn> get_page_from_gfn(DomainMemory& memory, Gfn gfn) {
  on_demand_touch(memory, gfn);
  const Result<Mfn> mfn = resolve_gfn(memory, gfn);
  if (!mfn.ok()) return mfn;
  if (!get_page(*mfn, memory)) return fail(XEN_EINVAL);
  return mfn;
}

Result<Mfn> get_writable_gfn(DomainMemory& memory, Gfn gfn) {
  const Result<Mfn> mfn = get_page_from_gfn(memory, gfn);
  if (!mfn.ok()) return mfn;
  const Status status = get_page_type(*mfn, PageType::kWritable);
  if (status.ok()) return mfn;
  put_page(*mfn);
  return status;
}

bool drop_allocation(Mfn mfn) {
  FrameInfo& info = frame_info(mfn);
  if (!info.allocated) return false;
  info.allocated = false;
  // The writable type of a shared frame goes with the sharing.
  if (info.state == FrameState::kShared) put_page_type(mfn);
  put_page(mfn);
  return true;
}

Status pin_page(Mfn mfn, const DomainMemory& owner, PageType type) {
  const Status status = get_page_and_type(mfn, owner, type);
  if (!status.ok()) return status;
  FrameInfo& info = frame_info(mfn);
  if (!info.pinned && !owner.dying) {
    info.pinned = true;
    return kOk;
  }
  // Nobody would drop a pin of a dying domain.
  const bool again = info.pinned;
  put_page_and_type(mfn);
  return again && !fault("mmu.pinned_twice") ? fail(XEN_EINVAL) : kOk;
}

bool unpin_page(Mfn mfn) {
  FrameInfo& info = frame_info(mfn);
  if (!info.pinned) return false;
  info.pinned = false;
  put_page_and_type(mfn);
  return true;
}

void free_shared_frame(Mfn mfn) {
  FrameInfo& info = frame_info(mfn);
  if (info.state == FrameState::kCore) {
    free_core_frames(mfn, 0);
    return;
  }
  HV_ASSERT(info.state == FrameState::kShared);
  info.free_when_unshared = true;
  drop_allocation(mfn);
}

}  // namespace hv
