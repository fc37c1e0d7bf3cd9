#include "hv/mm/on_demand.hpp"

#include <algorithm>
#include <cstring>

#include "hv/base/fault.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

/// Zero pages taken back at a time: the next touches find them in the cache.
constexpr uint64_t kTakenBackAtOnce = 16;

void move(FrameList& from, FrameList& to, Mfn mfn) {
  list_remove(from, mfn);
  list_append(to, mfn);
}

/// Nobody but the domain's physmap refers to it.
bool unshared(const FrameInfo& info) {
  return info.state == FrameState::kDomain && info.refs == 1 && info.type_refs == 0 && info.allocated;
}

bool is_zero(Mfn mfn) {
  const auto* words = frame_as<uint64_t>(mfn);
  const uint64_t bytes = fault("pod.reclaims_written_page") ? kPageSize / 2 : kPageSize;
  return std::all_of(words, words + bytes / sizeof(uint64_t), [](uint64_t word) { return word == 0; });
}

void free_from_cache(DomainMemory& memory) {
  const Mfn mfn = memory.on_demand_cache.tail;
  move(memory.on_demand_cache, memory.pages, mfn);
  drop_allocation(mfn);
}

Status add_to_cache(DomainMemory& memory) {
  const Result<Mfn> mfn = alloc_domain_frames(memory, 0);
  if (!mfn.ok()) return fail(XEN_ENOMEM);
  move(memory.pages, memory.on_demand_cache, *mfn);
  return kOk;
}

/// Zero pages of the domain become entries again, the last ones it got first.
void take_back_zero_pages(DomainMemory& memory) {
  for (Mfn mfn = memory.pages.tail; mfn != Mfn{} && memory.on_demand_cache.count < kTakenBackAtOnce;) {
    const Mfn before{frame_info(mfn).prev};
    const uint64_t gfn = m2p_get(mfn);
    if (gfn != kInvalidM2p && unshared(frame_info(mfn)) && is_zero(mfn)) {
      const Status status = stage2_promise(memory, Gfn{gfn});
      HV_ASSERT(status.ok());
      move(memory.pages, memory.on_demand_cache, mfn);
    }
    mfn = before;
  }
}

}  // namespace

Status on_demand_promise(DomainMemory& memory, Gfn gfn, unsigned order) {
  if (memory.kind != GuestKind::kHvm) return fail(XEN_EINVAL);
  const uint64_t count = uint64_t{1} << order;
  for (uint64_t i = 0; i < count; ++i) {
    const bool present = stage2_lookup(memory, Gfn{gfn.raw() + i}).present;
    if (present && !fault("pod.promise_over_memory")) return fail(XEN_EBUSY);
  }
  for (uint64_t i = 0; i < count; ++i) {
    const Status status = stage2_promise(memory, Gfn{gfn.raw() + i});
    if (!status.ok()) return status;
  }
  return kOk;
}

bool on_demand_touch(DomainMemory& memory, Gfn gfn) {
  if (memory.on_demand_entries == 0 || memory.dying || !stage2_lookup(memory, gfn).promised) return false;
  if (memory.on_demand_cache.count == 0) take_back_zero_pages(memory);
  if (memory.on_demand_cache.count == 0) {
    if (memory.out_of_memory != nullptr && !fault("pod.empty_cache_retried")) memory.out_of_memory(memory);
    return false;
  }
  const Mfn mfn = memory.on_demand_cache.head;
  move(memory.on_demand_cache, memory.pages, mfn);
  const Status status = stage2_map(memory, gfn, mfn);
  HV_ASSERT(status.ok());  // the entry's own table is there
  return true;
}

bool on_demand_decrease(DomainMemory& memory, Gfn gfn) {
  if (memory.on_demand_entries == 0) return false;
  const Stage2Entry entry = stage2_lookup(memory, gfn);
  if (entry.promised) {
    stage2_forget(memory, gfn);
    const bool kept = fault("pod.decrease_keeps_surplus");
    while (!kept && memory.on_demand_cache.count > memory.on_demand_entries) free_from_cache(memory);
    return true;
  }
  if (!entry.present || memory.on_demand_cache.count >= memory.on_demand_entries) return false;
  if (!unshared(frame_info(entry.mfn)) && !fault("pod.shared_page_reclaimed")) return false;
  stage2_unmap(memory, gfn);
  if (!fault("pod.cache_not_zeroed")) std::memset(frame_bytes(entry.mfn), 0, kPageSize);
  move(memory.pages, memory.on_demand_cache, entry.mfn);
  return true;
}

Status on_demand_set_target(DomainMemory& memory, uint64_t pages, uint64_t& budget) {
  const uint64_t populated = memory.tot_pages - memory.on_demand_cache.count;
  // A running domain without entries needs no cache, and one that has too much gives it back by itself.
  if ((populated > 0 && memory.on_demand_entries == 0) || memory.dying || pages < memory.tot_pages) return kOk;
  uint64_t wanted = pages - populated;
  if (populated > 0 && !fault("pod.cache_larger_than_entries")) wanted = std::min(wanted, memory.on_demand_entries);
  for (; memory.on_demand_cache.count < wanted && budget > 0; --budget) {
    if (const Status status = add_to_cache(memory); !status.ok()) return status;
  }
  for (; memory.on_demand_cache.count > wanted && budget > 0; --budget) free_from_cache(memory);
  return kOk;
}

void on_demand_forget(DomainMemory& memory) {
  while (memory.on_demand_cache.count != 0) move(memory.on_demand_cache, memory.pages, memory.on_demand_cache.head);
}

}  // namespace hv
