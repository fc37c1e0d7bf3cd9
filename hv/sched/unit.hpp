/// Scheduling units: vCPUs of one domain, numbered one after the other, that a policy schedules as one. A unit has as
/// many as a resource of the pool has pCPUs, fewer at a domain's end, and is known by its first vCPU.
#pragma once

#include "hv/sched/scheduler.hpp"

namespace hv {

/// Whether any of its vCPUs may run.
[[nodiscard]] inline bool unit_runnable(const Vcpu& first) {
  const Vcpu* vcpu = &first;
  while (vcpu != nullptr && !vcpu_runnable(*vcpu)) vcpu = vcpu->unit_next;
  return vcpu != nullptr;
}

/// Whether all of its vCPUs are offline.
[[nodiscard]] inline bool unit_down(const Vcpu& first) {
  const Vcpu* vcpu = &first;
  while (vcpu != nullptr && (vcpu->pause_flags & kPauseDown) != 0) vcpu = vcpu->unit_next;
  return vcpu == nullptr;
}

[[nodiscard]] inline bool is_member(const Vcpu& vcpu, const Vcpu& first) {
  const Vcpu* member = &first;
  while (member != nullptr && member != &vcpu) member = member->unit_next;
  return member != nullptr;
}

/// The first vCPU of the unit of which `vcpu` is one.
[[nodiscard]] inline Vcpu& unit_of(const Vcpu& vcpu) {
  return *vcpu.sched->vcpu;
}

}  // namespace hv
