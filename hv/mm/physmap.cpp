#include "hv/mm/physmap.hpp"

#include "hv/base/fault.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/on_demand.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/stage2.hpp"

namespace hv {

namespace {

Status add_pv(Gfn gfn, Mfn mfn, uint64_t count) {
  for (uint64_t i = 0; i < count; ++i) m2p_set(Mfn{mfn.raw() + i}, gfn.raw() + i);
  return kOk;
}

}  // namespace

Status physmap_add(DomainMemory& memory, Gfn gfn, Mfn mfn, unsigned order) {
  const uint64_t count = uint64_t{1} << order;
  if (memory.kind == GuestKind::kPv64) return add_pv(gfn, mfn, count);
  for (uint64_t i = 0; i < count; ++i) {
    const Status status = stage2_map(memory, Gfn{gfn.raw() + i}, Mfn{mfn.raw() + i});
    if (status.ok()) continue;
    while (i-- > 0) {
      if (fault("p2m.partial_set_stays")) {
        m2p_set(Mfn{mfn.raw() + i}, kInvalidM2p);
      } else {
        stage2_unmap(memory, Gfn{gfn.raw() + i});
      }
    }
    return status;
  }
  return kOk;
}

Status physmap_give_up(DomainMemory& memory, Gfn gfn) {
  if (on_demand_decrease(memory, gfn)) return kOk;
  const Result<Mfn> mfn = get_page_from_gfn(memory, gfn);
  if (!mfn.ok()) return mfn.status();
  if (memory.kind == GuestKind::kHvm && !fault("p2m.decrease_keeps_entry")) stage2_unmap(memory, gfn);
  if (fault("memory.decrease_unpins")) static_cast<void>(unpin_page(*mfn));
  if (frame_info(*mfn).state != FrameState::kShared) drop_allocation(*mfn);
  if (!fault("memory.decrease_leaks_reference")) put_page(*mfn);
  return kOk;
}

Status physmap_move(DomainMemory& memory, Mfn mfn, Gfn gfn) {
  HV_ASSERT(memory.kind == GuestKind::kHvm && frame_info(mfn).owner == &memory);
  on_demand_touch(memory, gfn);
  const Stage2Entry there = stage2_lookup(memory, gfn);
  if (there.device) return fail(XEN_EPERM);
  if (there.present && there.mfn == mfn) return kOk;
  if (there.present) {
    const Status status = physmap_give_up(memory, gfn);
    if (!status.ok()) return status;
  }
  const uint64_t old_gfn = m2p_get(mfn);
  if (old_gfn != kInvalidM2p && !fault("p2m.moved_frame_at_two_places")) stage2_unmap(memory, Gfn{old_gfn});
  return stage2_map(memory, gfn, mfn);
}

}  // namespace hv
