#include "sim/scenario/memory_limit.hpp"

#include <fmt/format.h>

#include "sim/toolstack/error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::scenario {

uint64_t MemoryLimit::free_frames() const {
  xen_sysctl op = toolstack::make_sysctl(XEN_SYSCTL_physinfo);
  toolstack::must(dom0_.sysctl(op), "physinfo");
  return op.u.physinfo.free_pages;
}

void MemoryLimit::leave(uint64_t frames) {
  GuestSpec spec;
  spec.vcpus = 1;
  spec.max_grant_frames = 1;
  spec.max_maptrack_frames = 0;
  holder_ = control_.create(spec);
  const uint64_t free = free_frames();
  if (free < frames) {
    throw ToolstackError(fmt::format("'free_frames': {} are to be left, and there are only {}", frames, free));
  }
  const uint64_t taken = free - frames;
  control_.set_max_memory(*holder_, taken);
  static_cast<void>(control_.populate(*holder_, taken));
}

void MemoryLimit::lift() {
  if (!holder_) return;
  static_cast<void>(control_.destroy(*holder_));
  holder_.reset();
}

}  // namespace assay::scenario
