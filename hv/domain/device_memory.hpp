/// Which frames of device memory a domain may map: XEN_DOMCTL_iomem_permission. Source: public/domctl.h.
#pragma once

#include "hv/base/error.hpp"
#include "hv/base/types.hpp"

namespace hv {

struct Domain;

/// Frames first..last, of a list in ascending order without overlaps or neighbours that touch.
struct FrameRange {
  uint64_t first;
  uint64_t last;
  FrameRange* next;
};

/// Any frame that no memory of this machine is at: the first domain may map all of these, others what they were given.
[[nodiscard]] bool is_device_memory(uint64_t first, uint64_t last);
[[nodiscard]] bool may_map_device(const Domain& domain, uint64_t first, uint64_t last);
/// ENOMEM: nothing changed.
Status permit_device(Domain& domain, uint64_t first, uint64_t last);
/// ENOMEM: a range would have to be split; nothing changed.
Status deny_device(Domain& domain, uint64_t first, uint64_t last);
/// Forgets all permissions.
void forget_device_ranges(Domain& domain);

}  // namespace hv
