/// Operations of sched_op that have a file of their own.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv {

/// Sleeps until a listed port is pending or the absolute time has come.
/// Errors, in order: EFAULT; EINVAL more than 128 ports; EFAULT the list cannot be guest memory; EFAULT a port cannot
/// be read; EINVAL a port that cannot be polled. 0 at once when an upcall is deliverable, before the list is looked at.
int64_t schedop_poll(Call& call);

}  // namespace hv
