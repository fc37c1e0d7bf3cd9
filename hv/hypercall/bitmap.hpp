/// xenctl_bitmap: bitmaps of any length in the guest's memory.
#pragma once

#include <array>

#include "hv/hypercall/call.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

/// One bit per pCPU.
using CpuMask = std::array<uint64_t, 4>;
static_assert(sizeof(CpuMask) == sizeof(Vcpu::hard_affinity));

/// Bits that the guest does not have are clear; bits beyond the machine's pCPUs are ignored. False: EFAULT.
[[nodiscard]] bool read_cpu_mask(const AddressSpace& space, CpuMask& mask, const xenctl_bitmap& from);
/// Bytes of the guest beyond the machine's pCPUs are cleared. False: EFAULT.
[[nodiscard]] bool write_cpu_mask(const AddressSpace& space, const xenctl_bitmap& to, const CpuMask& mask);

/// The same of NUMA nodes, one bit each.
[[nodiscard]] bool read_node_mask(const AddressSpace& space, uint64_t& nodes, const xenctl_bitmap& from);
[[nodiscard]] bool write_node_mask(const AddressSpace& space, const xenctl_bitmap& to, uint64_t nodes);

/// The pCPUs of this machine.
[[nodiscard]] CpuMask online_cpus();

}  // namespace hv
