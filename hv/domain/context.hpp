/// The state of a vCPU as records: the PV context, the HVM start context, and the HVM save records.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

/// Loads a PV64 context and makes the vCPU initialised (VCPUOP_initialise, XEN_DOMCTL_setvcpucontext). Leaves it down.
/// Errors, in order: EINVAL address not canonical, ldt or gdt out of range, user mode without a user page table;
/// EOPNOTSUPP another cr3, gdt or ldt for an initialised vCPU; errors of the page types. On error nothing changes.
/// Source: arch_set_info_guest (4.17).
Status set_pv_context(Vcpu& vcpu, const vcpu_guest_context_t& context);
void get_pv_context(const Vcpu& vcpu, vcpu_guest_context_t& context);

/// Loads the start state of an HVM vCPU (VCPUOP_initialise). Leaves it down.
/// EINVAL: pad, mode, control registers or segments that the ABI refuses.
Status set_hvm_context(Vcpu& vcpu, const vcpu_hvm_context_t& context);

/// The CPU record of an HVM save stream.
Status load_hvm_cpu(Vcpu& vcpu, const hvm_hw_cpu& record);
void save_hvm_cpu(const Vcpu& vcpu, hvm_hw_cpu& record);

/// Back to down and uninitialised; references to page tables are dropped.
Status reset_vcpu_context(Vcpu& vcpu);

}  // namespace hv
