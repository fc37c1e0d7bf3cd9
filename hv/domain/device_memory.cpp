#include "hv/domain/device_memory.hpp"

#include <algorithm>

#include "hv/base/arena.hpp"
#include "hv/base/fault.hpp"
#include "hv/domain/domain.hpp"
#include "hv/mm/frame_alloc.hpp"

namespace hv {

namespace {

/// The link that leads to the first range that ends at or behind `frame`.
FrameRange** find(Domain& domain, uint64_t frame) {
  FrameRange** link = &domain.device_frames;
  while (*link != nullptr && (*link)->last < frame) link = &(*link)->next;
  return link;
}

void unlink(FrameRange** link) {
  FrameRange* range = *link;
  *link = range->next;
  arena_delete(range);
}

}  // namespace

bool is_device_memory(uint64_t first, uint64_t last) {
  return first <= last && first >= frames_total();
}

bool may_map_device(const Domain& domain, uint64_t first, uint64_t last) {
  if (!is_device_memory(first, last)) return false;
  if (domain.privileged) return true;
  const FrameRange* range = domain.device_frames;
  while (range != nullptr && range->last < first) range = range->next;
  return range != nullptr && range->first <= first && range->last >= last;
}

Status permit_device(Domain& domain, uint64_t first, uint64_t last) {
  auto* range = arena_new<FrameRange>();
  if (range == nullptr) return fail(XEN_ENOMEM);
  FrameRange** link = find(domain, first == 0 ? 0 : first - 1);
  while (*link != nullptr && (last == ~uint64_t{0} || (*link)->first <= last + 1)) {
    first = std::min(first, (*link)->first);
    last = std::max(last, (*link)->last);
    unlink(link);
  }
  *range = {first, last, *link};
  *link = range;
  return kOk;
}

Status deny_device(Domain& domain, uint64_t first, uint64_t last) {
  FrameRange** link = find(domain, first);
  if (*link != nullptr && (*link)->first < first && (*link)->last > last) {
    auto* rest = arena_new<FrameRange>();
    if (rest == nullptr) return fail(XEN_ENOMEM);
    *rest = {last + (fault("domctl.device_denial_off_by_one") ? 0 : 1), (*link)->last, (*link)->next};
    (*link)->last = first - 1;
    (*link)->next = rest;
    return kOk;
  }
  while (*link != nullptr && (*link)->first <= last) {
    FrameRange& range = **link;
    if (range.first < first) {
      range.last = first - 1;
      link = &range.next;
    } else if (range.last > last) {
      range.first = last + 1;
      break;
    } else {
      unlink(link);
    }
  }
  return kOk;
}

void forget_device_ranges(Domain& domain) {
  while (domain.device_frames != nullptr) unlink(&domain.device_frames);
}

}  // namespace hv
