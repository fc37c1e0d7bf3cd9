/// One pCPU goes from a vCPU, or from idle, to another.
#pragma once

#include "hv/sched/sched.hpp"

namespace hv {

/// Runstate of a vCPU that is not running. Source: public/vcpu.h, RUNSTATE_*.
[[nodiscard]] int resting_state(const Vcpu& vcpu);
/// Under the policy's lock: runstates of one vCPU follow each other in time. Either may be null: idle.
void switch_between(Pcpu& pcpu, Vcpu* previous, Vcpu* next, Ns time);
/// Nothing runs on the resource of which `first` is the first pCPU, and its pool has given it up: its policy loses it.
void leave_policy(Pcpu& first);

}  // namespace hv
