/// User mode on page tables of its own, and back.
#include "conformance/guest/instructions.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr uint32_t kInvalidOpcode = 6;
constexpr uint32_t kPageFault = 14;
constexpr uint64_t kFrameBytes = 7 * sizeof(uint64_t);

/// A copy of the domain's root without the entry `hidden`.
Page user_root(CaseContext& c, unsigned hidden) {
  Vcpu& vcpu = c.vcpu();
  const Page root = root_table(c.guest());
  const Page copy = heap_page(vcpu);
  for (unsigned slot = 0; slot < kEntries; ++slot) {
    const bool is_hypervisors = slot >= kXenSlotFirst && slot <= kXenSlotLast;
    const uint64_t entry = is_hypervisors || slot == hidden ? 0 : entry_at(vcpu, root, slot);
    if (entry != 0) vcpu.write(copy.va + slot * sizeof entry, entry);
  }
  c.require_eq(remap(vcpu, copy, kLeafRo), 0, "the copy becomes read-only");
  return copy;
}

const Case kUserRoot{{
    .slug = "pv_traps.bounce.user_root.left_at_entry",
    .rule = "User mode runs on the user page tables, and its kernel is entered on the kernel's.",
    .source = "public/xen.h, MMUEXT_NEW_USER_BASEPTR",
    .method =
        "The user root is a copy of the kernel's root without one entry: what that entry maps faults in user mode, "
        "and is there again at the kernel's entry, where it maps the kernel stack.",
    .requirements = {"BOUNCE-001", "IRET-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          const Page data = heap_page(c.vcpu());
          c.vcpu().write(data.va, kMarked + 99);
          const Window window = open_window(c.vcpu(), {{0, make_entry(data.frame, kLeafRw)}});
          const uint64_t kernel_only = window.page(0).raw();
          const Page root = user_root(c, window.slot);
          c.require_eq(MmuOps(c.vcpu()).ext(MMUEXT_NEW_USER_BASEPTR, root.frame.raw()), 0, "the user root");
          assay_registers registers = cpu.registers();
          registers.rdi = kernel_only;
          const auto kernel = cpu.run(ASSAY_INSTRUCTION_LOAD, registers);
          c.check_eq(kernel.entry, ASSAY_ENTRY_LANDING, "a load in kernel mode");
          c.check_eq(kernel.at.rax, kMarked + 99, "what it finds");
          const auto user = cpu.run(ASSAY_INSTRUCTION_LOAD, registers, ASSAY_EXECUTE_USER);
          c.check_eq(user.entry, kPageFault, "the same load in user mode");
          c.check_eq(user.cr2, kernel_only, "its address");
          registers.rdi = cpu.kernel_stack() - 8;
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_LOAD, registers, ASSAY_EXECUTE_USER).entry, ASSAY_ENTRY_USER_LANDING,
                     "what both map");
          const uint64_t stack = kernel_only + 0x800;
          c.require_eq(cpu.stack_switch(stack), 0, "a stack that the kernel alone maps");
          const auto entered = cpu.run(ASSAY_INSTRUCTION_UD2, ASSAY_EXECUTE_USER);
          c.check_eq(entered.entry, kInvalidOpcode, "entered from user mode");
          c.check_eq(entered.at.rsp, stack - kFrameBytes, "on that stack");
          c.check_eq(bounce_frame(entered).rip, cpu.at(ASSAY_INSTRUCTION_UD2, ASSAY_EXECUTE_USER),
                     "the frame is there");
        },
}};

}  // namespace
}  // namespace assay
