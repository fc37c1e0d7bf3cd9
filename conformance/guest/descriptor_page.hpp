/// A page of a PV64 guest in use as a descriptor table.
#pragma once

#include "conformance/case.hpp"
#include "conformance/guest/page_tables.hpp"
#include "conformance/guest/vcpu_ops.hpp"

namespace assay {

/// A page of zeroes, mapped read-only, that is the GDT of a vCPU which exists and is not up. The guest needs one:
/// `.vcpus` of at least 2.
inline Page descriptor_page(CaseContext& c) {
  const Page page = table_page(c.vcpu());
  GuestStruct<vcpu_guest_context_t> memory(c.vcpu());
  vcpu_guest_context_t context{};
  context.flags = VGCF_in_kernel;
  context.user_regs.cs = FLAT_KERNEL_CS;
  context.user_regs.ss = FLAT_KERNEL_SS;
  context.user_regs.rip = c.guest().space().layout.pv_secondary;
  context.ctrlreg[3] = root_table(c.guest()).frame.raw() << kPageShift;
  context.gdt_frames[0] = page.frame.raw();
  context.gdt_ents = 8;
  memory.put(context);
  const int64_t result = VcpuOps(c.vcpu()).raw(VCPUOP_initialise, 1, memory.va());
  if (result != 0) throw HarnessFault("VCPUOP_initialise with a GDT returned " + std::to_string(result));
  return page;
}

}  // namespace assay
