/// The page-table roots and the GDT of a PV64 vCPU: each holds a general and a typed reference to its frame.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"
#include "hv/vcpu/pv_traps.hpp"

namespace hv {

constexpr uint64_t kVmAssistValid = 0x1'0000'003f;  ///< PV64

/// Frames that `entries` descriptors of 8 bytes take.
constexpr uint64_t gdt_frame_count(uint64_t entries) {
  return entries / 512 + (entries % 512 != 0 ? 1 : 0);
}

/// Machine address of the kernel's root, whichever root is in use.
inline uint64_t pv_kernel_root(const Vcpu& vcpu) {
  return pv_in_kernel(vcpu) ? vcpu.regs.cr3 : vcpu.pv->kernel_cr3;
}
/// Makes `root` the kernel's; the one in use follows from the mode in the registers.
inline void set_pv_kernel_root(Vcpu& vcpu, uint64_t root) {
  vcpu.pv->kernel_cr3 = root;
  vcpu.regs.cr3 = pv_in_kernel(vcpu) ? root : vcpu.pv->user_cr3;
}

/// For a vCPU that is not initialised: GDT, then the kernel's root, then the user's. EINVAL: more than 16 GDT frames; a
/// frame that is not the domain's or cannot be what it has to be. On error no reference is held.
Status take_pv_tables(Vcpu& vcpu, const vcpu_guest_context_t& context);
/// Puts another GDT in place of the one that the vCPU has; no entries: none. EINVAL: entries that are the
/// hypervisor's; a frame that is not the domain's or cannot be a descriptor table. Then the old one stays.
Status replace_pv_gdt(Vcpu& vcpu, const uint64_t* frames, uint32_t entries);
/// Gives back what is held. Idempotent.
void drop_pv_tables(Vcpu& vcpu);

}  // namespace hv
