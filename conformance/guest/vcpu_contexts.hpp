/// Contexts for VCPUOP_initialise that start the agent on a further vCPU: what a case changes one field of.
#pragma once

#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

/// Machine frame of the L4 table that a PV64 guest has started on.
Mfn boot_root_table(Domain& guest);
/// PV64: kernel mode on the boot page tables, not online.
vcpu_guest_context_t pv_context(Domain& guest, uint32_t vcpu);
/// PVH: long mode.
vcpu_hvm_context_t hvm_context(const Domain& guest, uint32_t vcpu);
/// PVH: flat 32-bit protected mode without paging, at the entry point of the image.
vcpu_hvm_context_t hvm_context_32(const Domain& guest);

/// VCPUOP_initialise of `vcpu` as `caller` issues it.
template <typename Context>
int64_t initialise_vcpu(Vcpu& caller, uint32_t vcpu, const Context& context) {
  const GuestStruct<Context> argument(caller, context);
  return caller.hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_initialise, vcpu, argument.va().raw()});
}

}  // namespace assay
