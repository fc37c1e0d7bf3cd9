/// What a PV64 kernel finds when it is entered: stack, frame, flags and selectors.
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/instructions.hpp"

namespace assay {
namespace {

constexpr uint32_t kDebug = 1;
constexpr uint32_t kInvalidOpcode = 6;
constexpr uint32_t kPageFault = 14;
constexpr uint64_t kFrameBytes = 7 * 8;
constexpr uint64_t kUnmapped = 0x7654'3210;
constexpr uint64_t kHypervisorRange = 0xffff'8100'0000'1000;

const Case kStacks{{
    .slug = "pv_traps.bounce.stack.kernel_current_user_switched",
    .rule = "From kernel mode the frame is pushed on the current stack, from user mode on the one stack_switch named.",
    .source = "public/xen.h, HYPERVISOR_stack_switch",
    .requirements = {"BOUNCE-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          const auto kernel = cpu.run(ASSAY_INSTRUCTION_UD2);
          c.check_eq(kernel.at.rsp, (cpu.stack() & ~15ull) - kFrameBytes, "kernel: below its stack pointer");
          c.check_eq(bounce_frame(kernel).rsp, cpu.stack(), "kernel: rsp in the frame");
          const auto user = cpu.run(ASSAY_INSTRUCTION_UD2, ASSAY_EXECUTE_USER);
          c.check_eq(user.at.rsp, cpu.kernel_stack() - kFrameBytes, "user: at the top of the kernel stack");
          c.check_eq(bounce_frame(user).rsp, cpu.stack(), "user: rsp in the frame");
        },
}};

const Case kAligned{{
    .slug = "pv_traps.bounce.stack.aligned_down",
    .rule = "The stack pointer is aligned down to 16 bytes before the frame is pushed; rsp in the frame is not.",
    .source = "AMD64 manual, volume 2, section 8.9.3; public/arch-x86/xen-x86_64.h",
    .requirements = {"BOUNCE-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          for (const uint64_t offset : {0ull, 1ull, 7ull, 8ull, 15ull, 16ull}) {
            assay_registers registers = cpu.registers();
            registers.rsp = (cpu.stack() & ~15ull) + offset;
            registers.rdi = kUnmapped;
            const std::string what = "offset " + std::to_string(offset);
            const auto without = cpu.run(ASSAY_INSTRUCTION_UD2, registers);
            c.check_eq(without.at.rsp, (registers.rsp & ~15ull) - kFrameBytes, what + ": seven words");
            c.check_eq(bounce_frame(without).rsp, registers.rsp, what + ": rsp in the frame");
            const auto with = cpu.run(ASSAY_INSTRUCTION_LOAD, registers);
            c.check_eq(with.at.rsp, (registers.rsp & ~15ull) - kFrameBytes - 8, what + ": eight words");
            c.check_eq(bounce_frame(with, true).rsp, registers.rsp, what + ": rsp behind an error code");
          }
        },
}};

/// The registers that no frame carries are the interrupted ones.
void check_registers_kept(CaseContext& c, const assay_execution& entered, const assay_registers& before,
                          const std::string& what) {
  c.check_eq(entered.at.rax, before.rax, what + ": rax");
  c.check_eq(entered.at.rbx, before.rbx, what + ": rbx");
  c.check_eq(entered.at.rdx, before.rdx, what + ": rdx");
  c.check_eq(entered.at.rsi, before.rsi, what + ": rsi");
  c.check_eq(entered.at.rdi, before.rdi, what + ": rdi");
  c.check_eq(entered.at.rbp, before.rbp, what + ": rbp");
  c.check_eq(entered.at.r8, before.r8, what + ": r8");
  c.check_eq(entered.at.r9, before.r9, what + ": r9");
  c.check_eq(entered.at.r10, before.r10, what + ": r10");
  c.check_eq(entered.at.r12, before.r12, what + ": r12");
  c.check_eq(entered.at.r13, before.r13, what + ": r13");
  c.check_eq(entered.at.r14, before.r14, what + ": r14");
  c.check_eq(entered.at.r15, before.r15, what + ": r15");
}

const Case kFrame{{
    .slug = "pv_traps.bounce.frame.order_of_words",
    .rule = "From low to high the frame holds rcx, r11, the error code if there is one, rip, cs with the saved mask in "
            "bits 32..39, rflags, rsp, ss; every other register is as the interrupted code left it.",
    .source = "public/arch-x86/xen-x86_64.h",
    .requirements = {"BOUNCE-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          for (const auto mode : {ASSAY_EXECUTE_KERNEL, ASSAY_EXECUTE_USER}) {
            for (const auto instruction : {ASSAY_INSTRUCTION_UD2, ASSAY_INSTRUCTION_LOAD}) {
              const bool has_error = instruction == ASSAY_INSTRUCTION_LOAD;
              assay_registers registers = cpu.registers();
              registers.rdi = kUnmapped;
              const auto entered = cpu.run(instruction, registers, mode);
              const std::string what =
                  std::string(mode == ASSAY_EXECUTE_USER ? "user" : "kernel") + (has_error ? ", with error code" : "");
              c.check_eq(entered.entry, has_error ? kPageFault : kInvalidOpcode, what);
              const BounceFrame frame = bounce_frame(entered, has_error);
              c.check_eq(frame.rcx, registers.rcx, what + ": rcx");
              c.check_eq(frame.r11, registers.r11, what + ": r11");
              c.check_eq(frame.rip, cpu.at(instruction, mode), what + ": rip");
              c.check_eq(frame.selector() & ~3u, FLAT_KERNEL_CS & ~3u, what + ": cs");
              c.check_eq(frame.cs >> 40, 0, what + ": above the mask");
              c.check_eq(frame.ss, FLAT_KERNEL_SS, what + ": ss");
              check_registers_kept(c, entered, registers, what);
            }
          }
        },
}};

const Case kHeldMask{{
    .slug = "pv_traps.bounce.frame.saved_mask_and_interrupt_flag",
    .rule = "Bits 32..39 of cs in the frame hold the upcall mask, and IF of its rflags is set exactly when it is 0.",
    .source = "public/arch-x86/xen.h: saved_upcall_mask; public/arch-x86/xen-x86_64.h",
    .requirements = {"BOUNCE-003", "BOUNCE-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          for (const bool held : {false, true}) {
            const uint64_t flag = held ? 0 : kFlagInterrupt;
            c.vcpu().set_upcalls(!held);
            const std::string what = held ? "held" : "let through";
            const BounceFrame kernel = bounce_frame(cpu.run(ASSAY_INSTRUCTION_UD2));
            c.check_eq(kernel.saved_mask(), held ? 1 : 0, what + ", kernel: the mask");
            c.check_eq(kernel.rflags & kFlagInterrupt, flag, what + ", kernel: IF");
            assay_registers registers = cpu.registers();
            registers.rflags = flag;
            const BounceFrame user = bounce_frame(cpu.run(ASSAY_INSTRUCTION_UD2, registers, ASSAY_EXECUTE_USER));
            c.check_eq(user.saved_mask(), held ? 1 : 0, what + ", user: the mask");
            c.check_eq(user.rflags & kFlagInterrupt, flag, what + ", user: IF");
          }
        },
}};

const Case kIopl{{
    .slug = "pv_traps.bounce.frame.iopl_only_with_assist",
    .rule = "The frame's rflags show the IOPL that the guest asked for only while the architectural_iopl assist is on.",
    .source = "public/xen.h, VMASST_TYPE_architectural_iopl",
    .method = "With the assist on, an iret with IOPL 1 sets it; then the assist is switched off and on again.",
    .requirements = {"BOUNCE-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          const auto assist = [&](uint64_t command) {
            c.require_eq(c.vcpu().hypercall(__HYPERVISOR_vm_assist, {command, VMASST_TYPE_architectural_iopl}), 0,
                         "vm_assist");
          };
          const auto iopl = [&] { return bounce_frame(cpu.run(ASSAY_INSTRUCTION_UD2)).rflags & kFlagIopl; };
          constexpr uint64_t kIopl1 = 1u << 12;
          c.check_eq(iopl(), 0, "without the assist");
          iret_context frame = cpu.kernel_frame(cpu.landing());
          frame.rflags |= kIopl1;
          cpu.iret(frame, cpu.registers());
          assist(VMASST_CMD_enable);
          c.check_eq(iopl(), 0, "what an iret without the assist asked for does not count");
          c.check_eq(cpu.iret(frame, cpu.registers()).entry, ASSAY_ENTRY_LANDING, "iret with IOPL 1");
          c.check_eq(iopl(), kIopl1, "with the assist");
          assist(VMASST_CMD_disable);
          c.check_eq(iopl(), 0, "without it again");
        },
}};

const Case kFlagsAtEntry{{
    .slug = "pv_traps.bounce.entry.flags_cleared_and_flat_selectors",
    .rule =
        "A handler is entered with TF, NT, RF, VM and AC clear and the flat kernel selectors; the frame still shows "
        "the flags that the interrupted code had.",
    .source = "AMD64 manual, volume 2, section 8.9; public/arch-x86/xen-x86_64.h, FLAT_KERNEL_*",
    .requirements = {"BOUNCE-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          constexpr uint64_t kCleared = kFlagTrap | kFlagNested | kFlagResume | kFlagVirtual8086 | kFlagAlignment;
          constexpr uint64_t kKept = kFlagCarry | kFlagDirection;
          for (const auto mode : {ASSAY_EXECUTE_KERNEL, ASSAY_EXECUTE_USER}) {
            const std::string what = mode == ASSAY_EXECUTE_USER ? "user" : "kernel";
            assay_registers registers = cpu.registers();
            registers.rflags |= kFlagNested | kFlagAlignment | kKept;
            const auto entered = cpu.run(ASSAY_INSTRUCTION_UD2, registers, mode);
            c.check_eq(entered.at.rflags & kCleared, 0, what + ": flags at entry");
            c.check_eq(entered.at.cs, FLAT_KERNEL_CS, what + ": cs");
            c.check_eq(entered.at.ss, FLAT_KERNEL_SS, what + ": ss");
            c.check_eq(bounce_frame(entered).rflags & (kFlagNested | kFlagAlignment | kKept),
                       kFlagNested | kFlagAlignment | kKept, what + ": flags in the frame");
            iret_context frame = mode == ASSAY_EXECUTE_USER ? cpu.user_frame(0) : cpu.kernel_frame(0);
            frame.rip = cpu.at(ASSAY_INSTRUCTION_NOP, mode);
            frame.rflags |= kFlagTrap;
            const auto stepped = cpu.iret(frame, cpu.registers());
            c.check_eq(stepped.entry, kDebug, what + ": a single step");
            c.check_eq(stepped.at.rflags & kCleared, 0, what + ": flags at entry of the step");
            c.check_eq(bounce_frame(stepped).rflags & kFlagTrap, kFlagTrap, what + ": TF in the frame");
            c.check_eq(bounce_frame(stepped).rip, cpu.at(ASSAY_INSTRUCTION_NOP, mode) + 1, what + ": behind the step");
          }
        },
}};

const Case kFromCompatibility{{
    .slug = "pv_traps.bounce.entry.from_32bit_user_code",
    .rule = "User mode in the flat 32-bit code segment enters the kernel in the 64-bit one, with the old selector in "
            "the frame.",
    .source = "public/arch-x86/xen-x86_64.h, FLAT_USER_CS32",
    .method = "iret to address 0, where nothing is mapped: the fetch faults.",
    .requirements = {"BOUNCE-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          iret_context frame = cpu.user_frame(0);
          frame.cs = FLAT_USER_CS32;
          const auto entered = cpu.iret(frame, cpu.registers());
          c.check_eq(entered.entry, kPageFault, "the fetch");
          c.check_eq(entered.at.cs, FLAT_KERNEL_CS, "cs at entry");
          c.check_eq(bounce_frame(entered, true).selector(), FLAT_USER_CS32, "cs in the frame");
          c.check_eq(bounce_frame(entered, true).rip, 0, "rip in the frame");
        },
}};

const Case kPrivilegeInFrame{{
    .slug = "pv_traps.bounce.frame.cs_rpl_says_which_mode",
    .rule = "cs in the frame carries RPL 0 when the guest's kernel was interrupted and RPL 3 when its user mode was.",
    .source = "public/arch-x86/xen-x86_64.h: RING0 -> RING3 kernel mode",
    .requirements = {"BOUNCE-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          c.check_eq(bounce_frame(cpu.run(ASSAY_INSTRUCTION_UD2)).selector(), FLAT_KERNEL_CS & ~3u, "kernel");
          c.check_eq(bounce_frame(cpu.run(ASSAY_INSTRUCTION_UD2, ASSAY_EXECUTE_USER)).selector(), FLAT_USER_CS, "user");
          EventChannels events(c.vcpu());
          c.require_eq(cpu.register_callback(CALLBACKTYPE_event, cpu.stub(ASSAY_ENTRY_EVENT)), 0, "event callback");
          c.require_eq(events.send(events.bind_ipi(0).port), 0, "an event");
          const auto user = cpu.run(ASSAY_INSTRUCTION_NOP, ASSAY_EXECUTE_USER);
          c.check_eq(user.entry, ASSAY_ENTRY_EVENT, "an event in user mode");
          c.check_eq(user.upcall_mask, 1, "masked there");
          c.check_eq(bounce_frame(user).selector(), FLAT_USER_CS, "cs of its frame");
          c.check_eq(bounce_frame(user).rip, cpu.at(ASSAY_INSTRUCTION_NOP, ASSAY_EXECUTE_USER), "rip of its frame");
          c.check_eq(user.at.rsp, cpu.kernel_stack() - kFrameBytes, "on the kernel stack");
          const auto kernel = cpu.iret(cpu.kernel_frame(cpu.landing()), cpu.registers());
          c.check_eq(kernel.entry, ASSAY_ENTRY_EVENT, "an event in kernel mode");
          c.check_eq(bounce_frame(kernel).selector(), FLAT_KERNEL_CS & ~3u, "cs of its frame");
        },
}};

void check_bad_stack(CaseContext& c, assay_execute_mode mode, uint64_t va) {
  Instructions cpu(c, c.vcpu());
  assay_registers registers = cpu.registers();
  if (mode == ASSAY_EXECUTE_USER) {
    cpu.allow_user_mode();
    c.require_eq(cpu.stack_switch(va), 0, "stack_switch takes anything");
  } else {
    registers.rsp = va;
    c.check_eq(cpu.run(ASSAY_INSTRUCTION_NOP, registers).entry, ASSAY_ENTRY_LANDING, "what needs no stack goes on");
  }
  check_ends_domain(c, cpu, ASSAY_INSTRUCTION_UD2, registers, mode, "ud2");
}

const Case kStackInHypervisor{{
    .slug = "pv_traps.bounce.stack_in_hypervisor_range.domain_crashes",
    .rule = "An exception whose frame would lie in the hypervisor's range ends the domain with reason crash.",
    .source = "public/arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START",
    .requirements = {"BOUNCE-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body = [](CaseContext& c) { check_bad_stack(c, ASSAY_EXECUTE_KERNEL, kHypervisorRange); },
}};

const Case kStackUnmapped{{
    .slug = "pv_traps.bounce.stack_unmapped.domain_crashes",
    .rule = "An exception whose frame cannot be written ends the domain with reason crash.",
    .source = "public/xen.h, HYPERVISOR_stack_switch",
    .requirements = {"BOUNCE-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body = [](CaseContext& c) { check_bad_stack(c, ASSAY_EXECUTE_KERNEL, kUnmapped & ~15ull); },
}};

const Case kKernelStackInHypervisor{{
    .slug = "pv_traps.bounce.kernel_stack_in_hypervisor_range.domain_crashes",
    .rule =
        "User mode cannot be left onto a kernel stack in the hypervisor's range: the domain ends with reason crash.",
    .source = "public/xen.h, HYPERVISOR_stack_switch",
    .requirements = {"BOUNCE-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body = [](CaseContext& c) { check_bad_stack(c, ASSAY_EXECUTE_USER, kHypervisorRange); },
}};

}  // namespace
}  // namespace assay
