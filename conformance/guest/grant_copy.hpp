/// Requests of GNTTABOP_copy, put together from their two sides.
#pragma once

#include "conformance/guest/ids.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

/// One side of a copy: a grant of some domain, or a frame (by rights only of the caller's own).
struct CopySide {
  uint64_t number = 0;  ///< grant reference or frame
  DomId dom = kDomSelf;
  uint16_t offset = 0;
  bool is_ref = false;
};
inline CopySide by_ref(GrantRef ref, DomId dom, uint16_t offset = 0) {
  return {ref.raw(), dom, offset, true};
}
inline CopySide by_frame(Gfn frame, uint16_t offset = 0, DomId dom = kDomSelf) {
  return {frame.raw(), dom, offset, false};
}

inline gnttab_copy_t copy_request(const CopySide& from, const CopySide& to, uint16_t bytes) {
  gnttab_copy_t made{};
  const auto fill = [](auto& side, const CopySide& in) {
    if (in.is_ref) {
      side.u.ref = static_cast<grant_ref_t>(in.number);
    } else {
      side.u.gmfn = in.number;
    }
    side.domid = in.dom.raw();
    side.offset = in.offset;
  };
  fill(made.source, from);
  fill(made.dest, to);
  made.len = bytes;
  made.flags = static_cast<uint16_t>((from.is_ref ? GNTCOPY_source_gref : 0) | (to.is_ref ? GNTCOPY_dest_gref : 0));
  made.status = static_cast<int16_t>(0xa5a5);
  return made;
}

}  // namespace assay
