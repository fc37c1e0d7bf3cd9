/// set_trap_table: the virtual IDT of a PV64 vCPU, and what arrives at its handlers.
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/instructions.hpp"

namespace assay {
namespace {

constexpr uint32_t kInvalidOpcode = 6;
constexpr uint32_t kProtection = 13;
constexpr uint32_t kPageFault = 14;
constexpr uint32_t kErrorUser = 4;
constexpr uint8_t kMasks = 4;  ///< flag bit 2 of an entry
constexpr uint64_t kNotCanonical = 0x8000'0000'0000'0000;
/// Nobody maps this.
constexpr uint64_t kUnmapped = 0x7654'3210;

const Case kNullClears{{
    .slug = "set_trap_table.null.clears",
    .rule = "A null table returns 0 and leaves no handler: the next exception ends the domain.",
    .source = "public/xen.h, HYPERVISOR_set_trap_table",
    .method = "ud2 enters its handler before, and ends the domain with reason crash afterwards.",
    .requirements = {"TRAP-001", "TRAP-006"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_UD2).entry, kInvalidOpcode, "before");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_trap_table, {0}), 0, "a null table");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_NOP).entry, ASSAY_ENTRY_LANDING, "what raises nothing goes on");
          check_ends_domain(c, cpu, ASSAY_INSTRUCTION_UD2, cpu.registers(), ASSAY_EXECUTE_KERNEL, "ud2");
        },
}};

const Case kOneMissing{{
    .slug = "set_trap_table.no_handler_for_vector.domain_crashes",
    .rule = "An exception whose vector has no handler ends the domain with reason crash; one that has is delivered.",
    .source = "public/xen.h, HYPERVISOR_set_trap_table",
    .requirements = {"TRAP-006"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          c.require_eq(c.vcpu().hypercall(__HYPERVISOR_set_trap_table, {0}), 0, "a null table");
          c.require_eq(cpu.set_trap(kInvalidOpcode, cpu.stub(ASSAY_ENTRY_SPARE)), 0, "a handler for #UD alone");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_UD2).entry, ASSAY_ENTRY_SPARE, "#UD arrives");
          check_ends_domain(c, cpu, ASSAY_INSTRUCTION_INT3, cpu.registers(), ASSAY_EXECUTE_KERNEL, "#BP");
        },
}};

struct Table {
  trap_info_t entry[4];
};

const Case kInOrder{{
    .slug = "set_trap_table.entries.in_order_up_to_address_0",
    .rule = "Entries are installed in order up to one with address 0; what is behind it does not count.",
    .source = "public/arch-x86/xen.h, trap_info: the table is terminated by an entry with address 0",
    .requirements = {"TRAP-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          Scratch memory(c.vcpu());
          Table table{};
          table.entry[0] = {kInvalidOpcode, 0, FLAT_KERNEL_CS, cpu.stub(ASSAY_ENTRY_SPARE)};
          table.entry[1] = {kInvalidOpcode, 0, FLAT_KERNEL_CS, cpu.stub(ASSAY_ENTRY_SPARE + 1)};
          table.entry[3] = {3, 0, FLAT_KERNEL_CS, cpu.stub(ASSAY_ENTRY_SPARE + 2)};
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_trap_table, {memory.put(table).raw()}), 0, "the table");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_UD2).entry, ASSAY_ENTRY_SPARE + 1, "the later of two entries");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_INT3).entry, 3, "behind the end: the old handler");
        },
}};

const Case kStopsAtBadEntry{{
    .slug = "set_trap_table.bad_entry.einval_and_earlier_ones_stay",
    .rule = "An entry whose handler is not canonical makes the call return EINVAL; entries before it stay installed.",
    .source = "public/xen.h, HYPERVISOR_set_trap_table",
    .requirements = {"TRAP-002", "TRAP-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          Scratch memory(c.vcpu());
          Table table{};
          table.entry[0] = {kInvalidOpcode, 0, FLAT_KERNEL_CS, cpu.stub(ASSAY_ENTRY_SPARE)};
          table.entry[1] = {3, 0, FLAT_KERNEL_CS, kNotCanonical};
          table.entry[2] = {kProtection, 0, FLAT_KERNEL_CS, cpu.stub(ASSAY_ENTRY_SPARE + 1)};
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_trap_table, {memory.put(table).raw()}), -XEN_EINVAL,
                     "the table");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_UD2).entry, ASSAY_ENTRY_SPARE, "the entry before");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_INT3).entry, 3, "the bad entry's vector keeps its handler");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_INT80).entry, kProtection, "the entry behind does not count");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_set_trap_table, {bad_pointer(c.guest_type()).raw()}), -XEN_EFAULT,
                     "a table that is not there");
        },
}};

const Case kSelector{{
    .slug = "set_trap_table.selector.rpl_raised",
    .rule = "The code selector of an entry is taken with the privilege that a PV64 kernel runs at, whatever it said.",
    .source = "public/arch-x86/xen.h, trap_info.cs",
    .method =
        "dom0 reads the table back from the vCPU's context; a handler with RPL 0 in its entry is entered at RPL 3.",
    .requirements = {"TRAP-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          c.require_eq(cpu.set_trap(kInvalidOpcode, cpu.stub(ASSAY_ENTRY_SPARE), 0, FLAT_KERNEL_CS & ~3u), 0, "RPL 0");
          const auto entered = cpu.run(ASSAY_INSTRUCTION_UD2);
          c.check_eq(entered.entry, ASSAY_ENTRY_SPARE, "the handler");
          c.check_eq(entered.at.cs, FLAT_KERNEL_CS, "cs there");
          DomctlOps control(c.dom0().vcpu(0));
          const DomId dom = c.guest().id();
          GuestStruct<vcpu_guest_context_t> context(c.dom0().vcpu(0));
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getvcpucontext, dom);
          set_handle(request.u.vcpucontext.ctxt, context.va());
          c.require_eq(control.pause(dom), 0, "pausing");
          const int64_t result = control.call(request).result;
          c.require_eq(control.unpause(dom), 0, "unpausing");
          c.require_eq(result, 0, "getvcpucontext");
          c.check_eq(context.get().trap_ctxt[kInvalidOpcode].cs, FLAT_KERNEL_CS, "the selector that is kept");
        },
}};

const Case kMaskFlag{{
    .slug = "set_trap_table.flag_bit_2.masks_events_at_entry",
    .rule = "Flag bit 2 of an entry masks upcalls on entry to that handler; without it the mask stays as it was.",
    .source = "public/arch-x86/xen.h, trap_info.flags: bit 2 - Clear event enable",
    .requirements = {"TRAP-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          for (const bool held : {false, true}) {
            c.vcpu().set_upcalls(!held);
            for (const uint8_t flags : {kMasks, uint8_t{0}}) {
              c.require_eq(cpu.set_trap(kInvalidOpcode, cpu.stub(ASSAY_ENTRY_SPARE), flags), 0, "registering");
              const auto entered = cpu.run(ASSAY_INSTRUCTION_UD2);
              const std::string what = std::string(held ? "held" : "let through") + ", flags " + std::to_string(flags);
              c.check_eq(entered.entry, ASSAY_ENTRY_SPARE, what);
              c.check_eq(entered.upcall_mask, held || flags != 0 ? 1 : 0, what + ": the mask at entry");
              c.check_eq(bounce_frame(entered).saved_mask(), held ? 1 : 0, what + ": the mask in the frame");
            }
          }
        },
}};

const Case kPageFaultAddress{{
    .slug = "set_trap_table.page_fault.cr2_and_user_bit",
    .rule =
        "A page fault leaves its address in vcpu_info.arch.cr2, and the user bit of its error code says whether the "
        "guest was in user mode.",
    .source = "public/arch-x86/xen.h, arch_vcpu_info.cr2",
    .requirements = {"TRAP-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          for (const auto mode : {ASSAY_EXECUTE_KERNEL, ASSAY_EXECUTE_USER}) {
            for (const auto access : {ASSAY_INSTRUCTION_LOAD, ASSAY_INSTRUCTION_STORE}) {
              const uint64_t address = kUnmapped + uint64_t{mode};
              assay_registers registers = cpu.registers();
              registers.rdi = address;
              const auto entered = cpu.run(access, registers, mode);
              const std::string what = std::string(mode == ASSAY_EXECUTE_USER ? "user " : "kernel ") +
                                       (access == ASSAY_INSTRUCTION_LOAD ? "load" : "store");
              c.check_eq(entered.entry, kPageFault, what);
              c.check_eq(entered.cr2, address, what + ": address");
              const BounceFrame frame = bounce_frame(entered, true);
              const uint64_t write = access == ASSAY_INSTRUCTION_STORE ? 2 : 0;
              c.check_eq(frame.error, write | (mode == ASSAY_EXECUTE_USER ? kErrorUser : 0), what + ": error code");
              c.check_eq(frame.rip, cpu.at(access, mode), what + ": at the instruction");
            }
          }
        },
}};

const Case kErrorCodes{{
    .slug = "set_trap_table.error_code.only_for_its_vectors",
    .rule = "Exceptions with an error code push it between r11 and rip; others push none, and neither does int n.",
    .source = "public/arch-x86/xen-x86_64.h; AMD64 manual, volume 2, section 8.2",
    .method = "#UD and #BP without, #GP and #PF with: rip and the stack pointer are found where that says.",
    .requirements = {"TRAP-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          const auto check = [&](assay_instruction instruction, uint32_t entry, bool has_error, uint64_t length) {
            assay_registers registers = cpu.registers();
            registers.rdi = kUnmapped;
            const auto entered = cpu.run(instruction, registers);
            const std::string what = "entry " + std::to_string(entry);
            c.check_eq(entered.entry, entry, what);
            const BounceFrame frame = bounce_frame(entered, has_error);
            c.check_eq(frame.rip, cpu.at(instruction) + length, what + ": rip");
            c.check_eq(frame.rsp, cpu.stack(), what + ": rsp");
            return frame.error;
          };
          check(ASSAY_INSTRUCTION_UD2, kInvalidOpcode, false, 0);
          check(ASSAY_INSTRUCTION_INT3, 3, false, 1);
          check(ASSAY_INSTRUCTION_LOAD, kPageFault, true, 0);
          // No handler is installed for it: the protection fault names the gate.
          c.check_eq(check(ASSAY_INSTRUCTION_INT80, kProtection, true, 0), 0x80u << 3 | 2, "int 0x80");
          c.require_eq(cpu.set_trap(0x80, cpu.stub(ASSAY_ENTRY_SPARE)), 0, "a handler for int 0x80");
          check(ASSAY_INSTRUCTION_INT80, ASSAY_ENTRY_SPARE, false, 2);
        },
}};

const Case kInt80{{
    .slug = "set_trap_table.int_0x80.user_mode_whatever_privilege",
    .rule =
        "int 0x80 of user mode enters its handler whatever privilege the entry has, and is a protection fault without.",
    .source = "public/arch-x86/xen.h, trap_info.flags; as run",
    .requirements = {"TRAP-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_INT80, ASSAY_EXECUTE_USER).entry, kProtection, "without a handler");
          for (const uint8_t privilege : {uint8_t{0}, uint8_t{3}}) {
            c.require_eq(cpu.set_trap(0x80, cpu.stub(ASSAY_ENTRY_SPARE), privilege | kMasks), 0, "registering");
            const auto entered = cpu.run(ASSAY_INSTRUCTION_INT80, ASSAY_EXECUTE_USER);
            const std::string what = "privilege " + std::to_string(privilege);
            c.check_eq(entered.entry, ASSAY_ENTRY_SPARE, what);
            c.check_eq(entered.upcall_mask, 1, what + ": upcalls are held");
            c.check_eq(bounce_frame(entered).selector(), FLAT_USER_CS, what + ": cs in the frame");
            c.check_eq(bounce_frame(entered).rip, cpu.at(ASSAY_INSTRUCTION_INT80, ASSAY_EXECUTE_USER) + 2,
                       what + ": behind the instruction");
          }
        },
}};

}  // namespace
}  // namespace assay
