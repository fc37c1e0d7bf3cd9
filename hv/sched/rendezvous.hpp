/// How the pCPUs of a resource, a core or a socket, go from one unit to another: together.
///
/// A pCPU that finds that somebody has to decide who runs on the resource calls the others and waits inside the core
/// until all have come: by then no vCPU of the unit that ran is in its guest. The last to come asks the policy, takes
/// every vCPU of the old unit off its pCPU, and all go on, each with the vCPU of the new unit that has its place.
/// What concerns one pCPU alone needs nobody else: a vCPU that blocks leaves its place idle, and gets it back when it
/// wakes while its unit runs.
#pragma once

#include "hv/sched/sched.hpp"

namespace hv {

/// Calls `visit` with each pCPU of the resource.
template <typename Visit>
void for_each_together(const Resource& resource, Visit visit) {
  for (uint32_t i = 0; i < resource.pcpus; ++i) visit(sched_pcpu(resource.first + i));
}

/// The pCPU, of a resource of several, looks who runs there now. Whether somebody has come to run there.
[[nodiscard]] bool switch_together(Pcpu& pcpu, Scheduler& policy);

}  // namespace hv
