/// How a guest that runs the agent suspends itself, and what it does when it runs again: the guest's side of the ABI,
/// told to it operation by operation. Source: public/sched.h (SHUTDOWN_suspend), public/arch-x86/xen.h
/// (arch_shared_info).
#pragma once

#include "sim/target/target.hpp"

namespace assay::migration {

/// A PV64 guest announces its p2m list in shared_info and gives shared_info up for a page of its own; a PVH guest need
/// not. Then vCPU 0 calls sched_op, and that call is in flight.
void suspend_guest(Domain& guest);

enum class Woken : uint8_t { kRestored, kCancelled, kNotYet };

/// What the call of suspend_guest has returned, here or in another domain. Then shared_info is mapped again, and what a
/// new domain does not know of how it wants its events is said again.
Woken wake_guest(Domain& guest, uint64_t timeout_ns);

}  // namespace assay::migration
