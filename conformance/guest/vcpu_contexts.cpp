#include "conformance/guest/vcpu_contexts.hpp"

#include <cstring>

#include "sim/toolstack/vcpu_state.hpp"

namespace assay {

Mfn boot_root_table(Domain& guest) {
  const Gva pt_base{guest.vcpu(0).read<uint64_t>(guest.space().start_info + offsetof(start_info_t, pt_base))};
  return Mfn{guest.gfn_of(pt_base).raw()};
}

vcpu_guest_context_t pv_context(Domain& guest, uint32_t vcpu) {
  return toolstack::further_pv_context(guest.space().layout, boot_root_table(guest), vcpu);
}

vcpu_hvm_context_t hvm_context(const Domain& guest, uint32_t vcpu) {
  return toolstack::further_pvh_context(guest.space().layout, vcpu);
}

vcpu_hvm_context_t hvm_context_32(const Domain& guest) {
  constexpr uint32_t kFlat = 0xffffffff;
  vcpu_hvm_context_t context;
  std::memset(&context, 0, sizeof context);
  context.mode = VCPU_HVM_MODE_32B;
  vcpu_hvm_x86_32& regs = context.cpu_regs.x86_32;
  regs.eip = static_cast<uint32_t>(guest.space().layout.pvh_entry - guest.space().layout.virt_base);
  regs.eflags = 2;
  regs.cr0 = 0x11;  // PE, ET
  regs.cs_limit = regs.ds_limit = regs.ss_limit = regs.es_limit = kFlat;
  regs.cs_ar = 0xc9b;  // present, code, readable, accessed, 32-bit, 4 KiB units
  regs.ds_ar = regs.ss_ar = regs.es_ar = 0xc93;
  regs.tr_limit = 0x67;
  regs.tr_ar = 0x8b;  // present, busy TSS
  return context;
}

}  // namespace assay
