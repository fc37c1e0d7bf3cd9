/// Segment bases, the kernel stack and CR0.TS of a PV64 vCPU.
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/instructions.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint64_t kNotCanonical = 0x8000'0000'0000'0000;
constexpr uint32_t kNoDevice = 7;

int64_t set_base(CaseContext& c, unsigned which, uint64_t base) {
  return c.vcpu().hypercall(__HYPERVISOR_set_segment_base, {which, base});
}

/// Loads through a segment register at offset 0.
assay_execution load(Instructions& cpu, assay_instruction through, assay_execute_mode mode) {
  assay_registers registers = cpu.registers();
  registers.rdi = 0;
  return cpu.run(through, registers, mode);
}

struct Base {
  std::string_view name;
  unsigned which;
  assay_instruction through;
  assay_execute_mode mode;
};
constexpr Base kBases[] = {
    {"fs", SEGBASE_FS, ASSAY_INSTRUCTION_LOAD_FS, ASSAY_EXECUTE_KERNEL},
    {"the user's gs", SEGBASE_GS_USER, ASSAY_INSTRUCTION_LOAD_GS, ASSAY_EXECUTE_USER},
    {"the kernel's gs", SEGBASE_GS_KERNEL, ASSAY_INSTRUCTION_LOAD_GS, ASSAY_EXECUTE_KERNEL},
};

const Case kBasesSet{{
    .slug = "set_segment_base.bases.each_its_own",
    .rule = "FS, user GS and kernel GS get the bases that were asked for; one that is not canonical is refused with "
            "EINVAL and the old base stays.",
    .source = "public/arch-x86/xen-x86_64.h, HYPERVISOR_set_segment_base",
    .method = "A load through each register, in the mode whose base it is.",
    .requirements = {"SEG-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          Scratch memory(c.vcpu());
          for (uint64_t i = 0; i < std::size(kBases); ++i) {
            memory.put(kMarked + 100 + i, i * sizeof(uint64_t));
            c.check_eq(set_base(c, kBases[i].which, memory.va(i * sizeof(uint64_t)).raw()), 0, kBases[i].name);
          }
          for (const bool after_refusal : {false, true}) {
            for (uint64_t i = 0; i < std::size(kBases); ++i) {
              const Base& base = kBases[i];
              const std::string what = std::string(base.name) + (after_refusal ? ", after the refusal" : "");
              if (after_refusal) c.check_eq(set_base(c, base.which, kNotCanonical), -XEN_EINVAL, what);
              const auto after = load(cpu, base.through, base.mode);
              const bool user = base.mode == ASSAY_EXECUTE_USER;
              c.check_eq(after.entry, user ? ASSAY_ENTRY_USER_LANDING : ASSAY_ENTRY_LANDING, what + ": a load");
              c.check_eq(after.at.rax, kMarked + 100 + i, what + ": what it finds");
            }
          }
        },
}};

const Case kUserSelector{{
    .slug = "set_segment_base.user_gs_selector.never_fails",
    .rule =
        "The form that names a selector for the user's gs always returns 0; one that cannot be loaded becomes null.",
    .source = "public/arch-x86/xen-x86_64.h, SEGBASE_GS_USER_SEL",
    .method = "gs as the kernel's handler finds it after user mode was left.",
    .requirements = {"SEG-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          for (const uint64_t selector : {0x33ull, 0xfff3ull, 0ull}) {
            const std::string what = "selector " + show(selector);
            c.check_eq(set_base(c, SEGBASE_GS_USER_SEL, selector), 0, what);
            const auto user = cpu.run(ASSAY_INSTRUCTION_NOP, ASSAY_EXECUTE_USER);
            c.check_eq(user.entry, ASSAY_ENTRY_USER_LANDING, what + ": user mode");
            c.check_eq(user.at.gs & ~3ull, 0, what + ": gs");
          }
        },
}};

const Case kUnknownBase{{
    .slug = "set_segment_base.unknown_kind.einval",
    .rule = "Another kind than the four is refused with EINVAL.",
    .source = "public/arch-x86/xen-x86_64.h, SEGBASE_*",
    .requirements = {"SEG-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          for (const unsigned which : {4u, 5u, 0x80u, 0x7fffffffu}) {
            c.check_eq(set_base(c, which, 0), -XEN_EINVAL, "kind " + std::to_string(which));
          }
        },
}};

const Case kStackSwitch{{
    .slug = "stack_switch.any_stack.next_entry_from_user_mode",
    .rule = "stack_switch returns 0 whatever it is given, and counts at the next entry from user mode only.",
    .source = "public/xen.h, HYPERVISOR_stack_switch",
    .requirements = {"SEG-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          Scratch other(c.vcpu(), 2);
          const uint64_t top = other.va(kPageSize).raw();
          c.check_eq(cpu.stack_switch(kNotCanonical), 0, "not canonical");
          c.check_eq(cpu.stack_switch(0), 0, "null");
          c.check_eq(cpu.stack_switch(top), 0, "a stack");
          const auto kernel = cpu.run(ASSAY_INSTRUCTION_UD2);
          c.check(kernel.at.rsp < cpu.stack() && kernel.at.rsp > cpu.stack() - 128,
                  "from kernel mode: the current stack");
          const auto user = cpu.run(ASSAY_INSTRUCTION_UD2, ASSAY_EXECUTE_USER);
          c.check_eq(user.at.rsp, top - 7 * sizeof(uint64_t), "from user mode: that stack");
        },
}};

const Case kTaskSwitched{{
    .slug = "fpu_taskswitch.set.next_use_raises_nm",
    .rule =
        "fpu_taskswitch(1) makes the next use of the FPU raise #NM, fpu_taskswitch(0) takes that back; both return 0.",
    .source = "public/xen.h, HYPERVISOR_fpu_taskswitch",
    .requirements = {"SEG-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          const auto set = [&](uint64_t value) { return c.vcpu().hypercall(__HYPERVISOR_fpu_taskswitch, {value}); };
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_FPU).entry, ASSAY_ENTRY_LANDING, "before");
          c.check_eq(set(1), 0, "set");
          const auto trapped = cpu.run(ASSAY_INSTRUCTION_FPU);
          c.check_eq(trapped.entry, kNoDevice, "#NM");
          c.check_eq(bounce_frame(trapped).rip, cpu.at(ASSAY_INSTRUCTION_FPU), "at the instruction");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_FPU).entry, ASSAY_ENTRY_LANDING, "the exception took it back");
          c.check_eq(set(1), 0, "set again");
          c.check_eq(set(0), 0, "cleared");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_FPU).entry, ASSAY_ENTRY_LANDING, "afterwards");
        },
}};

/// dom0 changes the registers of a vCPU that sleeps, as a debugger would; the result of the first call that failed.
int64_t change_context(CaseContext& c, DomId dom, void (*change)(cpu_user_regs&)) {
  DomctlOps control(c.dom0().vcpu(0));
  GuestStruct<vcpu_guest_context_t> memory(c.dom0().vcpu(0));
  const auto context_call = [&](uint32_t command) {
    xen_domctl_t request = DomctlOps::request(command, dom);
    set_handle(request.u.vcpucontext.ctxt, memory.va());
    return control.call(request).result;
  };
  if (const int64_t paused = control.pause(dom); paused != 0) return paused;
  int64_t result = context_call(XEN_DOMCTL_getvcpucontext);
  if (result == 0) {
    vcpu_guest_context_t context = memory.get();
    change(context.user_regs);
    memory.put(context);
    result = context_call(XEN_DOMCTL_setvcpucontext);
  }
  const int64_t unpaused = control.unpause(dom);
  return result != 0 ? result : unpaused;
}

constexpr uint16_t kNoSuchDescriptor = 0x33;

const Case kFailsafe{{
    .slug = "pv_traps.failsafe.selector_not_loadable.null_and_callback",
    .rule =
        "A data segment selector that cannot be loaded when the vCPU is switched in becomes null, and the kernel is "
        "entered at its failsafe callback with the old selectors between r11 and rip.",
    .source = "public/callback.h, CALLBACKTYPE_failsafe: when guest state cannot be restored by Xen",
    .method = "dom0 gives a vCPU that blocks a selector beyond its descriptor table, and wakes it by an event.",
    .requirements = {"BOUNCE-008", "CALLB-006"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          for (const uint16_t flags : {uint16_t{0}, uint16_t{CALLBACKF_mask_events}}) {
            Instructions cpu(c, c.vcpu());
            const std::string what = "flags " + std::to_string(flags);
            c.require_eq(cpu.register_callback(CALLBACKTYPE_failsafe, cpu.stub(ASSAY_ENTRY_FAILSAFE), flags), 0, what);
            const ChannelPair channel = quiet_channel(c, c.vcpu(), c.dom0().vcpu(0));
            assay_registers registers = cpu.registers();
            registers.rbx = cpu.page_entry(__HYPERVISOR_sched_op);
            registers.rdi = SCHEDOP_block;
            cpu.vcpu().start_instruction(ASSAY_INSTRUCTION_CALL, registers);
            c.check(!cpu.vcpu().finish_instruction(kWatchNs).has_value(), what + ": it blocks");
            c.require_eq(change_context(c, c.guest().id(), [](cpu_user_regs& regs) { regs.ds = kNoSuchDescriptor; }), 0,
                         what + ": the context");
            c.require_eq(EventChannels(c.dom0().vcpu(0)).send(channel.remote), 0, what + ": the event");
            const auto entered = cpu.vcpu().finish_instruction(kLongNs);
            c.require(entered.has_value(), what + ": it goes on");
            c.check_eq(entered->entry, ASSAY_ENTRY_FAILSAFE, what + ": the callback");
            c.check_eq(entered->at.ds, 0, what + ": ds");
            c.check_eq(entered->frame[2] & 0xffff, kNoSuchDescriptor, what + ": ds in the frame");
            c.check_eq(entered->frame[3] & 0xffff, 0, what + ": es in the frame");
            c.check_eq(entered->frame[4] & 0xffff, 0, what + ": fs in the frame");
            c.check_eq(entered->frame[5] & 0xffff, 0, what + ": gs in the frame");
            c.check(entered->frame[6] - cpu.page_entry(__HYPERVISOR_sched_op) < 32, what + ": rip in the frame");
            c.check_eq(entered->frame[7] & 0xfffc, FLAT_KERNEL_CS & ~3u, what + ": cs in the frame");
            c.check_eq(entered->upcall_mask, flags, what + ": upcalls are held");
          }
        },
}};

}  // namespace
}  // namespace assay
