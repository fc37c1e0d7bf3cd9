#include "hv/mm/frame_transfer.hpp"

#include "hv/base/fault.hpp"
#include "hv/mm/frame_alloc.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/m2p.hpp"

namespace hv {

Status take_frame(DomainMemory& from, Mfn mfn) {
  if (!frame_valid(mfn)) return fail(XEN_EINVAL);
  FrameInfo& info = frame_info(mfn);
  if (info.owner != &from || info.state != FrameState::kDomain || !info.allocated) return fail(XEN_EINVAL);
  if (info.refs != 1 || info.type_refs != 0) return fail(XEN_EINVAL);
  list_remove(from.pages, mfn);
  --from.tot_pages;
  info = FrameInfo{};
  info.state = FrameState::kCore;
  if (!fault("transfer.m2p_keeps_old_place")) m2p_set(mfn, kInvalidM2p);
  return kOk;
}

void give_frame(DomainMemory& to, Mfn mfn) {
  FrameInfo& info = frame_info(mfn);
  HV_ASSERT(info.state == FrameState::kCore && info.owner == nullptr);
  info.owner = &to;
  info.state = FrameState::kDomain;
  info.refs = 1;
  info.allocated = true;
  list_append(to.pages, mfn);
  ++to.tot_pages;
}

void discard_frame(Mfn mfn) {
  free_core_frames(mfn, 0);
}

}  // namespace hv
