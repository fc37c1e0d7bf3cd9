/// The state of a vCPU as records: the PV context, the HVM start context, and the CPU record of an HVM save stream.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

/// Loads a PV64 context and makes the vCPU initialised (VCPUOP_initialise, XEN_DOMCTL_setvcpucontext); up when the
/// context carries VGCF_online, down otherwise. The vCPU must not be running.
/// Errors, in order: EINVAL an address is not canonical, ldt out of range, or user mode without a user page table;
/// EOPNOTSUPP another cr3, gdt or ldt for an initialised vCPU; what the gdt frames and then the roots are refused for.
/// On error nothing changes.
Status set_pv_context(Vcpu& vcpu, const vcpu_guest_context_t& context);
void get_pv_context(const Vcpu& vcpu, vcpu_guest_context_t& context);

/// Loads the start state of an HVM vCPU (VCPUOP_initialise) and leaves it down.
/// EINVAL: pad, mode, segments, control registers or EFER that the ABI refuses. On error nothing changes.
Status set_hvm_context(Vcpu& vcpu, const vcpu_hvm_context_t& context);

/// XEN_DOMCTL_{set,get}vcpucontext for an HVM vCPU: general registers and whether it is up.
void set_hvm_general(Vcpu& vcpu, const vcpu_guest_context_t& context);
void get_hvm_general(const Vcpu& vcpu, vcpu_guest_context_t& context);

/// What an HVM guest may set. The same for the start context and the save record.
[[nodiscard]] bool hvm_cr0_valid(uint64_t cr0);
[[nodiscard]] bool hvm_cr4_valid(uint64_t cr4);
[[nodiscard]] bool hvm_efer_valid(uint64_t efer, uint64_t cr0);

/// The CPU record of an HVM save stream. Loading makes the vCPU initialised and up. EINVAL as above.
/// What the port's registers do not carry is kept and comes back with the next save.
Status load_hvm_cpu(Vcpu& vcpu, const hvm_hw_cpu& record);
void save_hvm_cpu(const Vcpu& vcpu, hvm_hw_cpu& record);
/// Frees what loading records kept.
void forget_hvm_record(Vcpu& vcpu);

/// Drops every reference that the vCPU holds to frames: roots, gdt, vcpu_info. Idempotent.
void drop_vcpu_frames(Vcpu& vcpu);
/// Back to down and uninitialised.
void reset_vcpu(Vcpu& vcpu);

}  // namespace hv
