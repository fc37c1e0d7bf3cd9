/// How a guest that runs the agent suspends itself, and what it does when it runs again: the guest's side of the ABI,
/// told to it operation by operation. Source: public/sched.h (SHUTDOWN_suspend), public/arch-x86/xen.h
/// (arch_shared_info).
#pragma once

#include "sim/target/target.hpp"

namespace assay::migration {

/// Announces the p2m list in shared_info, gives up shared_info for a page of its own, and calls sched_op on vCPU 0.
/// That call is in flight afterwards; see await_suspended.
void suspend_guest(Domain& guest);

enum class Woken : uint8_t { kRestored, kCancelled, kNotYet };

/// What the call of suspend_guest has returned, here or in another domain; then shared_info is mapped again.
Woken wake_guest(Domain& guest, uint64_t timeout_ns);

}  // namespace assay::migration
