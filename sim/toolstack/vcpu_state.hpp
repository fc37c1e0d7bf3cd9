/// Initial register state of guest vCPUs, in the forms that the ABI has for it. Pure functions.
#pragma once

#include <cstddef>
#include <vector>

#include "sim/abi/xen.hpp"
#include "sim/base/strong.hpp"
#include "sim/guest/agent/protocol.h"

namespace assay::toolstack {

/// PV64, first vCPU: kernel mode at the kernel's entry, rsi = start_info, online.
vcpu_guest_context first_pv_context(uint64_t entry, Mfn l4, Gva start_info, Gva stack_end);
/// PV64, further vCPUs: everything that the first one set up by hypercalls, rdi = vCPU id. Not online: VCPUOP_up does
/// that.
vcpu_guest_context further_pv_context(const assay_agent_layout& layout, Mfn l4, uint32_t vcpu_id);

/// PVH, first vCPU, as a record stream for sethvmcontext: 32-bit protected mode without paging, rbx = hvm_start_info.
/// `processor` is what CPUID leaf 1 says in eax.
/// Source: public/arch-x86/hvm/start_info.h, docs of the PVH entry.
std::vector<std::byte> first_pvh_records(uint64_t entry_physical, uint64_t start_info_physical, uint32_t processor);
/// PVH, further vCPUs: long mode on the image's static tables, rdi = vCPU id.
vcpu_hvm_context further_pvh_context(const assay_agent_layout& layout, uint32_t vcpu_id);

/// One past the top of the stack that the agent gives vCPU `vcpu_id`.
inline Gva stack_end(const assay_agent_layout& layout, uint32_t vcpu_id) {
  return Gva{layout.stacks + (vcpu_id + 1ull) * layout.stack_bytes};
}

}  // namespace assay::toolstack
