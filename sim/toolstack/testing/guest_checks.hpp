/// What must hold of guests that the toolstack built, whatever target they run on.
#pragma once

#include "sim/target/target.hpp"

namespace assay::toolstack::testing {

GuestSpec guest_spec(GuestType type, uint32_t vcpus = 1, uint64_t pages = 1024);

/// The agent answers on every vCPU that is online: hypercalls, memory, upcalls held.
void check_alive(Domain& guest);
/// Boot elements of a PV64 guest as PVBOOT-002 … PVBOOT-009 say, p2m and M2P included.
void check_pv_boot(Domain& guest);
/// hvm_start_info of a PVH guest.
void check_pvh_boot(Domain& guest);
/// pCPUs that a vCPU may run on.
std::vector<uint32_t> pcpus_of(Target& target, DomId id, uint32_t vcpu);
/// Free frames of the machine, as the privileged domain is told.
uint64_t free_pages(Target& target);
/// True once no more than a few frames are missing: a hypervisor may scrub in the background, and its own allocators
/// may keep what they were given. Much less than any guest has.
bool regains_free_pages(Target& target, uint64_t wanted);
/// False once the privileged domain is told that there is no such domain.
bool domain_exists(Target& target, DomId id);

}  // namespace assay::toolstack::testing
