/// The iret hypercall: back from a handler, to the guest's kernel or to its user mode.
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/instructions.hpp"

namespace assay {
namespace {

constexpr uint64_t kNotCanonical = 0x8000'0000'0000'0000;
constexpr uint32_t kProtection = 13;
constexpr uint64_t kUnmapped = 0x7654'3210;

const Case kRestores{{
    .slug = "iret.frame.restores_registers",
    .rule =
        "iret takes rax, r11, rcx, rip, cs, rflags, rsp and ss from the frame at its stack pointer and leaves every "
        "other register alone.",
    .source = "public/arch-x86/xen-x86_64.h, struct iret_context",
    .requirements = {"IRET-001", "HPAGE-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          iret_context frame = cpu.kernel_frame(cpu.landing());
          frame.rax = 0x1111, frame.r11 = 0x2222, frame.rcx = 0x3333;
          frame.rsp = cpu.stack() - 0x123;
          frame.rflags |= kFlagCarry | kFlagDirection;
          const assay_registers before = cpu.registers();
          const auto after = cpu.iret(frame, before);
          c.check_eq(after.entry, ASSAY_ENTRY_LANDING, "rip");
          c.check_eq(after.at.rax, 0x1111, "rax");
          c.check_eq(after.at.r11, 0x2222, "r11");
          c.check_eq(after.at.rcx, 0x3333, "rcx");
          c.check_eq(after.at.rsp, frame.rsp, "rsp");
          c.check_eq(after.at.rflags & (kFlagCarry | kFlagDirection), kFlagCarry | kFlagDirection, "rflags");
          c.check_eq(after.at.rdx, before.rdx, "rdx");
          c.check_eq(after.at.rsi, before.rsi, "rsi");
          c.check_eq(after.at.rdi, before.rdi, "rdi");
          c.check_eq(after.at.rbp, before.rbp, "rbp");
          c.check_eq(after.at.r8, before.r8, "r8");
          c.check_eq(after.at.r10, before.r10, "r10");
          c.check_eq(after.at.r15, before.r15, "r15");
        },
}};

const Case kInSyscall{{
    .slug = "iret.in_syscall.rcx_and_r11_not_restored",
    .rule = "With VGCF_in_syscall in the frame's flags rcx and r11 are not taken from it; all else is.",
    .source = "public/arch-x86/xen-x86_64.h: If flags contains VGCF_in_syscall",
    .requirements = {"IRET-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          iret_context frame = cpu.kernel_frame(cpu.landing());
          frame.flags = VGCF_in_syscall;
          frame.rax = 0x1111, frame.r11 = 0x2222, frame.rcx = 0x3333;
          frame.rsp = cpu.stack() - 0x120;
          const auto after = cpu.iret(frame, cpu.registers());
          c.check_eq(after.entry, ASSAY_ENTRY_LANDING, "rip");
          c.check_eq(after.at.rax, 0x1111, "rax");
          c.check_eq(after.at.rsp, frame.rsp, "rsp");
          c.check_ne(after.at.rcx, 0x3333, "rcx");
          c.check_ne(after.at.r11, 0x2222, "r11");
        },
}};

const Case kSelectors{{
    .slug = "iret.selectors.rpl_3",
    .rule = "cs and ss are loaded with RPL 3, whatever RPL the frame has.",
    .source = "public/arch-x86/xen-x86_64.h: RING0 -> RING3 kernel mode",
    .requirements = {"IRET-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          for (const uint64_t rpl : {0ull, 1ull, 2ull}) {
            iret_context frame = cpu.kernel_frame(cpu.landing());
            frame.cs = (FLAT_KERNEL_CS & ~3u) | rpl;
            frame.ss = (FLAT_KERNEL_SS & ~3u) | rpl;
            const auto after = cpu.iret(frame, cpu.registers());
            const std::string what = "RPL " + std::to_string(rpl);
            c.check_eq(after.entry, ASSAY_ENTRY_LANDING, what);
            c.check_eq(after.at.cs, FLAT_KERNEL_CS, what + ": cs");
            c.check_eq(after.at.ss, FLAT_KERNEL_SS, what + ": ss");
            // Still the kernel: what it raises carries RPL 0.
            c.check_eq(bounce_frame(cpu.iret(
                                        [&] {
                                          frame.rip = cpu.at(ASSAY_INSTRUCTION_UD2);
                                          return frame;
                                        }(),
                                        cpu.registers()))
                           .selector(),
                       FLAT_KERNEL_CS & ~3u, what + ": kernel mode");
          }
        },
}};

const Case kToUser{{
    .slug = "iret.cs_rpl_3.user_mode",
    .rule = "A cs with RPL 3 in the frame continues in user mode, from where the kernel is entered on its own stack.",
    .source = "public/arch-x86/xen-x86_64.h: RING3 -> RING3 user mode",
    .requirements = {"IRET-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          iret_context frame = cpu.user_frame(cpu.user_landing());
          frame.rsp = cpu.stack() - 0x10;
          const auto after = cpu.iret(frame, cpu.registers());
          c.check_eq(after.entry, ASSAY_ENTRY_USER_LANDING, "user mode");
          c.check_eq(bounce_frame(after).selector(), FLAT_USER_CS, "cs was the user's");
          c.check_eq(bounce_frame(after).rsp, frame.rsp, "rsp");
          c.check(after.at.rsp < cpu.kernel_stack() && after.at.rsp >= cpu.kernel_stack() - 128, "on the kernel stack");
        },
}};

const Case kNoUserRoot{{
    .slug = "iret.user_mode_without_root.domain_crashes",
    .rule = "iret to user mode ends the domain with reason crash when no user page table has been set.",
    .source = "public/xen.h, MMUEXT_NEW_USER_BASEPTR",
    .requirements = {"IRET-003"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          c.check_eq(cpu.iret(cpu.kernel_frame(cpu.landing()), cpu.registers()).entry, ASSAY_ENTRY_LANDING,
                     "to the kernel");
          check_ends_domain(c, cpu, ASSAY_INSTRUCTION_NOP, cpu.registers(), ASSAY_EXECUTE_USER, "iret to user mode");
        },
}};

const Case kMask{{
    .slug = "iret.interrupt_flag.becomes_upcall_mask",
    .rule = "The upcall mask becomes the inverse of IF in the frame; an event that is pending is then delivered before "
            "the next instruction, with the frame's rip interrupted.",
    .source = "public/arch-x86/xen-x86_64.h, HYPERVISOR_iret",
    .requirements = {"IRET-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          c.require_eq(cpu.register_callback(CALLBACKTYPE_event, cpu.stub(ASSAY_ENTRY_EVENT)), 0, "event callback");
          iret_context open = cpu.kernel_frame(cpu.landing());
          iret_context held = open;
          held.rflags = 0;
          const auto masked = cpu.iret(held, cpu.registers());
          c.check_eq(masked.entry, ASSAY_ENTRY_LANDING, "IF clear");
          c.check_eq(masked.upcall_mask, 1, "IF clear: the mask");
          const auto unmasked = cpu.iret(open, cpu.registers());
          c.check_eq(unmasked.entry, ASSAY_ENTRY_LANDING, "IF set, nothing pending");
          c.check_eq(unmasked.upcall_mask, 0, "IF set: the mask");
          EventChannels events(c.vcpu());
          c.require_eq(events.send(events.bind_ipi(0).port), 0, "an event");
          c.check_eq(cpu.iret(held, cpu.registers()).entry, ASSAY_ENTRY_LANDING, "pending and IF clear: not delivered");
          const auto delivered = cpu.iret(open, cpu.registers());
          c.check_eq(delivered.entry, ASSAY_ENTRY_EVENT, "pending and IF set: delivered");
          c.check_eq(bounce_frame(delivered).rip, cpu.landing(), "before the first instruction");
          c.check_eq(bounce_frame(delivered).saved_mask(), 0, "interrupted with upcalls let through");
          c.check_eq(delivered.upcall_mask, 1, "masked in the handler");
          const auto user = cpu.iret(cpu.user_frame(cpu.user_landing()), cpu.registers());
          c.check_eq(user.entry, ASSAY_ENTRY_EVENT, "to user mode: delivered too");
          c.check_eq(bounce_frame(user).rip, cpu.user_landing(), "before its first instruction");
        },
}};

const Case kFlags{{
    .slug = "iret.flags.if_forced_on_iopl_and_vm_cleared",
    .rule = "The processor's IF stays on, its IOPL 0 and VM clear, whatever the frame's rflags say.",
    .source = "public/arch-x86/xen-x86_64.h, HYPERVISOR_iret",
    .requirements = {"IRET-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          iret_context frame = cpu.kernel_frame(cpu.landing());
          frame.rflags = kFlagIopl | kFlagVirtual8086 | kFlagCarry;
          const auto after = cpu.iret(frame, cpu.registers());
          c.check_eq(after.entry, ASSAY_ENTRY_LANDING, "continues at rip");
          c.check_eq(after.at.rflags & kFlagInterrupt, kFlagInterrupt, "IF");
          c.check_eq(after.at.rflags & kFlagIopl, 0, "IOPL");
          c.check_eq(after.at.rflags & kFlagVirtual8086, 0, "VM");
          c.check_eq(after.at.rflags & 2, 2, "the bit that is always one");
          c.check_eq(after.at.rflags & kFlagCarry, kFlagCarry, "a flag that is the guest's");
          c.check_eq(after.upcall_mask, 1, "IF of the frame is the upcall mask");
        },
}};

const Case kUnreadable{{
    .slug = "iret.frame_unreadable.domain_crashes",
    .rule = "iret with a stack pointer where no frame can be read ends the domain with reason crash.",
    .source = "public/arch-x86/xen-x86_64.h: All arguments are on the kernel stack",
    .requirements = {"IRET-006"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          assay_registers registers = cpu.registers();
          registers.rax = __HYPERVISOR_iret;
          registers.rsp = kUnmapped & ~7ull;
          check_ends_domain(c, cpu, ASSAY_INSTRUCTION_SYSCALL, registers, ASSAY_EXECUTE_KERNEL, "iret");
        },
}};

const Case kBadAddresses{{
    .slug = "iret.address_not_canonical.exception_of_the_guest",
    .rule = "A rip that is not canonical raises #GP(0) there, in the mode that was returned to; an rsp that is not "
            "canonical "
            "is loaded as it is.",
    .source = "xen/arch/x86/pv/iret.c:81 (do_iret)",
    .requirements = {"IRET-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          const auto kernel = cpu.iret(cpu.kernel_frame(kNotCanonical), cpu.registers());
          c.check_eq(kernel.entry, kProtection, "rip, kernel mode");
          c.check_eq(bounce_frame(kernel, true).error, 0, "rip, kernel mode: error code");
          c.check_eq(bounce_frame(kernel, true).rip, kNotCanonical, "rip, kernel mode: where");
          c.check_eq(bounce_frame(kernel, true).selector(), FLAT_KERNEL_CS & ~3u, "rip, kernel mode: whose");
          const auto user = cpu.iret(cpu.user_frame(kNotCanonical), cpu.registers());
          c.check_eq(user.entry, kProtection, "rip, user mode");
          c.check_eq(bounce_frame(user, true).rip, kNotCanonical, "rip, user mode: where");
          c.check_eq(bounce_frame(user, true).selector(), FLAT_USER_CS, "rip, user mode: whose");
          iret_context frame = cpu.kernel_frame(cpu.landing());
          frame.rsp = kNotCanonical;
          const auto stack = cpu.iret(frame, cpu.registers());
          c.check_eq(stack.entry, ASSAY_ENTRY_LANDING, "rsp, kernel mode: it goes on");
          c.check_eq(stack.at.rsp, kNotCanonical, "rsp, kernel mode");
          frame = cpu.user_frame(cpu.user_landing());
          frame.rsp = kNotCanonical;
          const auto user_stack = cpu.iret(frame, cpu.registers());
          c.check_eq(user_stack.entry, ASSAY_ENTRY_USER_LANDING, "rsp, user mode: it goes on");
          c.check_eq(bounce_frame(user_stack).rsp, kNotCanonical, "rsp, user mode");
        },
}};

/// Sends this vCPU an NMI by the hypercall page; where that leads.
assay_execution send_nmi(Instructions& cpu) {
  assay_registers registers = cpu.registers();
  registers.rbx = cpu.page_entry(__HYPERVISOR_vcpu_op);
  registers.rdi = VCPUOP_send_nmi;
  registers.rsi = registers.rdx = 0;
  return cpu.run(ASSAY_INSTRUCTION_CALL, registers);
}

const Case kEndsNmi{{
    .slug = "iret.nmi_handler.next_nmi_waits_for_it",
    .rule = "In the NMI handler a further NMI waits; iret ends that, and it is delivered before the next instruction.",
    .source = "public/callback.h, CALLBACKTYPE_nmi; public/vcpu.h, VCPUOP_send_nmi",
    .method =
        "The handler is left without iret, as the agent does: the second NMI does not arrive until an iret is made.",
    .requirements = {"IRET-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          c.require_eq(cpu.register_callback(CALLBACKTYPE_nmi, cpu.stub(ASSAY_ENTRY_NMI)), 0, "NMI callback");
          const auto first = send_nmi(cpu);
          c.check_eq(first.entry, ASSAY_ENTRY_NMI, "the first NMI");
          c.check_eq(first.upcall_mask, 1, "upcalls are masked in its handler");
          const auto second = send_nmi(cpu);
          c.check_eq(second.entry, ASSAY_ENTRY_LANDING, "the second one waits");
          c.check_eq(second.at.rax, 0, "though it was accepted");
          const auto after = cpu.iret(cpu.kernel_frame(cpu.landing()), cpu.registers());
          c.check_eq(after.entry, ASSAY_ENTRY_NMI, "iret lets it through");
          c.check_eq(bounce_frame(after).rip, cpu.landing(), "before the next instruction");
          c.check_eq(cpu.iret(cpu.kernel_frame(cpu.landing()), cpu.registers()).entry, ASSAY_ENTRY_LANDING,
                     "no third one");
        },
}};

}  // namespace
}  // namespace assay
