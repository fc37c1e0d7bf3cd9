/// Hypercalls from the modes of a processor: user mode, 32-bit code, the whole of rax.
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/instructions.hpp"

namespace assay {
namespace {

constexpr uint32_t kInvalidOpcode = 6;
constexpr uint64_t kUpperHalf = 0x5a5a'5a5a'0000'0000;

/// The instruction of a hypercall, by itself.
assay_instruction call_instruction(CaseContext& c) {
  return c.pv() ? ASSAY_INSTRUCTION_SYSCALL : ASSAY_INSTRUCTION_VMCALL;
}

const Case kWholeNumber{{
    .slug = "hypercall.entry.upper_half_of_rax.enosys",
    .rule = "In 64-bit mode all of rax is the number: with an upper bit set it does not exist.",
    .source = "public/arch-x86/xen-x86_64.h, hypercall interface",
    .requirements = {"HCALL-005", "HCALL-003"},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          assay_registers registers = cpu.registers();
          registers.rdi = XENVER_pagesize;
          registers.rsi = 0;
          for (const uint64_t upper : {0ull, 1ull << 32, 1ull << 63}) {
            registers.rax = __HYPERVISOR_xen_version | upper;
            const auto after = cpu.run(call_instruction(c), registers);
            c.check_eq(after.entry, ASSAY_ENTRY_LANDING, "behind the instruction");
            c.check_eq(static_cast<int64_t>(after.at.rax), upper == 0 ? 4096 : -XEN_ENOSYS,
                       "rax " + show(registers.rax));
          }
        },
}};

const Case kArgumentsIntact{{
    .slug = "hypercall.entry.arguments.intact_afterwards",
    .rule = "A hypercall that has completed leaves its argument registers as they were.",
    .source = "xen/arch/x86/include/asm/hypercall.h:49 (clobber_regs64), release builds",
    .requirements = {"HCALL-012"},
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          assay_registers registers = cpu.registers();
          registers.rax = __HYPERVISOR_xen_version;
          registers.rdi = XENVER_pagesize;
          registers.rsi = 0;
          const auto after = cpu.run(call_instruction(c), registers);
          c.check_eq(after.at.rax, 4096, "the result");
          c.check_eq(after.at.rdi, registers.rdi, "rdi");
          c.check_eq(after.at.rsi, registers.rsi, "rsi");
          c.check_eq(after.at.rdx, registers.rdx, "rdx");
          c.check_eq(after.at.r10, registers.r10, "r10");
          c.check_eq(after.at.r8, registers.r8, "r8");
          c.check_eq(after.at.r9, registers.r9, "r9");
        },
}};

/// Hypercalls from a 32-bit code segment, and memory for their arguments.
struct Narrow32 {
  explicit Narrow32(CaseContext& context)
      : c(context),
        cpu(context, context.vcpu()),
        memory(context.vcpu()),
        low_alias(context.guest().space().layout.virt_base) {}

  [[nodiscard]] uint32_t pointer() const { return static_cast<uint32_t>(memory.va().raw() - low_alias); }
  int32_t call(uint64_t number, uint64_t a1, uint64_t a2 = 0, uint64_t a3 = 0) {
    assay_registers registers = cpu.registers();
    registers.rsp = cpu.stack() - low_alias;
    registers.rax = kUpperHalf | number;
    registers.rbx = kUpperHalf | a1;
    registers.rcx = kUpperHalf | a2;
    registers.rdx = kUpperHalf | a3;
    const auto after = cpu.run(ASSAY_INSTRUCTION_VMCALL, registers, ASSAY_EXECUTE_KERNEL32);
    c.check_eq(after.entry, ASSAY_ENTRY_USER_LANDING, "behind the instruction");
    return static_cast<int32_t>(after.at.rax);
  }

  CaseContext& c;
  Instructions cpu;
  Scratch memory;
  uint64_t low_alias;
};

const Case kHvm32{{
    .slug = "hypercall.entry.hvm_32bit.registers",
    .rule = "From a 32-bit code segment an HVM guest passes the number in eax and arguments in ebx, ecx, edx; the "
            "result is "
            "in eax, and upper halves do not count.",
    .source = "public/arch-x86/xen-x86_32.h, hypercall interface",
    .method = "xen_version takes two arguments, vcpu_op three; the 64-bit convention's registers hold other values.",
    .requirements = {"HCALL-004"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Narrow32 narrow(c);
          Scratch& memory = narrow.memory;
          const uint64_t pointer = narrow.pointer();
          const auto call = [&](uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3) {
            return narrow.call(number, a1, a2, a3);
          };
          c.check_eq(call(__HYPERVISOR_xen_version, XENVER_pagesize, 0, 0), 4096, "two arguments");
          memory.put(xen_feature_info_t{0, kUntouched32});
          c.check_eq(call(__HYPERVISOR_xen_version, XENVER_get_features, pointer, 0), 0, "a pointer in ecx");
          c.check_ne(memory.get<xen_feature_info_t>().submap, kUntouched32, "what it points to was written");
          c.check_eq(call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 0, 0), 1, "vCPU 0 in ecx");
          c.check_eq(call(__HYPERVISOR_vcpu_op, VCPUOP_is_up, 1, 0), 0, "vCPU 1 in ecx, which is down");
          memory.put(kUntouched32);
          c.check_eq(call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, pointer), 0, "a pointer in edx");
          c.check_eq(memory.get<uint32_t>(), RUNSTATE_running, "what it points to was written");
          c.check_eq(call(11, 0, 0, 0), -XEN_ENOSYS, "an unknown number");
        },
}};

const Case kHvm32Structures{{
    .slug = "hypercall.entry.hvm_32bit.structures",
    .rule =
        "From a 32-bit code segment structures are laid out as a 32-bit guest has them: pointers, frame numbers and "
        "unsigned longs take 4 bytes.",
    .source = "public/arch-x86/xen-x86_32.h; public/sched.h, struct sched_poll; public/memory.h, struct "
              "xen_add_to_physmap and xen_remove_from_physmap",
    .method = "Each structure is one that would mean something else, and give another result, in the 64-bit layout.",
    .requirements = {"HCALL-004"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          struct NarrowPoll {
            uint32_t ports, nr_ports, timeout[2];
          };
          struct NarrowAdd {
            uint16_t domid, size;
            uint32_t space, idx, gpfn;
          };
          struct NarrowRemove {
            uint16_t domid, padding;
            uint32_t gpfn;
          };
          Narrow32 narrow(c);
          Scratch& memory = narrow.memory;
          memory.put(NarrowPoll{0, 129, {0, 0}});
          c.check_eq(narrow.call(__HYPERVISOR_sched_op, SCHEDOP_poll, narrow.pointer()), -XEN_EINVAL, "too many ports");
          EventChannels ours(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.require_eq(ours.send(port), 0, "send");
          memory.put(std::array<uint32_t, 5>{narrow.pointer() + 16, 1, 0, 0, port.raw()});
          c.check_eq(narrow.call(__HYPERVISOR_sched_op, SCHEDOP_poll, narrow.pointer()), 0, "a port that is pending");
          const Gva page = c.guest().alloc_pages(1);
          const auto gfn = static_cast<uint32_t>(c.guest().gfn_of(page).raw());
          memory.put(NarrowRemove{DOMID_SELF, 0, gfn});
          c.check_eq(narrow.call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, narrow.pointer()), 0,
                     "removing a page");
          c.check_eq(narrow.call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, narrow.pointer()), -XEN_ENOENT,
                     "it is gone");
          memory.put(NarrowAdd{DOMID_SELF, 0, XENMAPSPACE_grant_table, 0, gfn});
          c.check_eq(narrow.call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, narrow.pointer()), 0,
                     "a frame of the grant table in its place");
        },
}};

const Case kHvm32Calls{{
    .slug = "hypercall.entry.hvm_32bit.calls_alike",
    .rule =
        "Calls whose structures are alike in both widths, or have none, answer 32-bit code as they answer 64-bit code.",
    .source = "public/arch-x86/xen-x86_32.h; public/xen.h, set_timer_op: the time is in two registers",
    .requirements = {"HCALL-004"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          struct NarrowMemoryMap {
            uint32_t entries, buffer;
          };
          Narrow32 narrow(c);
          Scratch& memory = narrow.memory;
          const auto of_memory = [&](uint64_t command) {
            memory.put(xen_memory_domain{DOMID_SELF});
            return narrow.call(__HYPERVISOR_memory_op, command, narrow.pointer());
          };
          for (const uint64_t command : {uint64_t{XENMEM_current_reservation}, uint64_t{XENMEM_maximum_reservation},
                                         uint64_t{XENMEM_maximum_gpfn}}) {
            memory.put(xen_memory_domain{DOMID_SELF});
            const int64_t wide = c.vcpu().hypercall(__HYPERVISOR_memory_op, {command, memory.va().raw()});
            c.check_eq(of_memory(command), wide, "command " + show(command));
          }
          const gnttab_query_size_t size{DOMID_SELF, 0, 0, 0};
          memory.put(size);
          c.check_eq(narrow.call(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, narrow.pointer(), 1), 0,
                     "query_size");
          c.check_eq(memory.get<gnttab_query_size_t>().status, int16_t{GNTST_okay}, "its status");
          memory.put(NarrowMemoryMap{4, narrow.pointer() + 64});
          const auto map = narrow.call(__HYPERVISOR_memory_op, XENMEM_memory_map, narrow.pointer());
          memory.put(xen_memory_map_t{});
          c.check_eq(map, c.vcpu().hypercall(__HYPERVISOR_memory_op, {XENMEM_memory_map, memory.va().raw()}),
                     "memory_map");
          memory.put(gnttab_get_version_t{DOMID_SELF, 0, kUntouched32});
          c.check_eq(narrow.call(__HYPERVISOR_grant_table_op, GNTTABOP_get_version, narrow.pointer(), 1), 0,
                     "get_version");
          c.check_eq(memory.get<gnttab_get_version_t>().version, 1u, "its answer");
          memory.put(gnttab_set_version_t{2});
          c.check_eq(narrow.call(__HYPERVISOR_grant_table_op, GNTTABOP_set_version, narrow.pointer(), 1), 0,
                     "set_version");
          const gnttab_swap_grant_ref_t swap{9, 10, 0};
          memory.put(swap);
          c.check_eq(narrow.call(__HYPERVISOR_grant_table_op, GNTTABOP_swap_grant_ref, narrow.pointer(), 1), 0,
                     "swap_grant_ref");
          const gnttab_unmap_grant_ref_t unmap{0, 0, 77, 0};
          memory.put(unmap);
          c.check_eq(narrow.call(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, narrow.pointer(), 1), 0,
                     "unmap_grant_ref");
          c.check_eq(memory.get<gnttab_unmap_grant_ref_t>().status, int16_t{GNTST_bad_handle}, "its status");
          for (const uint32_t number : {uint32_t{__HYPERVISOR_sched_op}, uint32_t{__HYPERVISOR_memory_op}}) {
            const uint64_t command = number == __HYPERVISOR_sched_op ? SCHEDOP_poll : XENMEM_add_to_physmap;
            c.check_eq(narrow.call(number, command, 0x7000'0000), -XEN_EFAULT, "a bad pointer");
          }
          c.check_eq(narrow.call(__HYPERVISOR_set_timer_op, 0, 0), 0, "no timer");
        },
}};

const Case kHvmUser{{
    .slug = "hypercall.entry.hvm_user_mode.eperm",
    .rule = "A hypercall of an HVM guest's user mode returns EPERM in rax and does nothing.",
    .source = "xen/arch/x86/hvm/hypercall.c:137 (hvm_hypercall)",
    .method = "EVTCHNOP_alloc_unbound in ring 3: no port is handed out, and the structure stays as it was.",
    .requirements = {"HCALL-006"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          Scratch memory(c.vcpu());
          assay_registers registers = cpu.registers();
          registers.rax = __HYPERVISOR_event_channel_op;
          registers.rdi = EVTCHNOP_alloc_unbound;
          registers.rsi = memory.put(evtchn_alloc_unbound_t{DOMID_SELF, DOMID_SELF, kUntouched32}).raw();
          const auto user = cpu.run(ASSAY_INSTRUCTION_VMCALL, registers, ASSAY_EXECUTE_USER);
          c.check_eq(user.entry, ASSAY_ENTRY_USER_LANDING, "behind the instruction");
          c.check_eq(static_cast<int64_t>(user.at.rax), -XEN_EPERM, "the result");
          c.check_eq(memory.get<evtchn_alloc_unbound_t>().port, kUntouched32, "nothing was written");
          const auto kernel = cpu.run(ASSAY_INSTRUCTION_VMCALL, registers);
          c.check_eq(kernel.at.rax, 0, "the same in kernel mode");
          c.check_eq(memory.get<evtchn_alloc_unbound_t>().port, 1, "it gets the first port");
        },
}};

const Case kPvUser{{
    .slug = "hypercall.entry.pv_user_mode.reflected",
    .rule =
        "syscall in a PV64 guest's user mode is a system call of its own: it enters the syscall callback with rcx and "
        "r11 as the instruction leaves them, and makes no hypercall.",
    .source = "public/callback.h, CALLBACKTYPE_syscall; AMD64 manual, volume 3, SYSCALL",
    .method = "EVTCHNOP_alloc_unbound in user mode: nothing is handed out. Without a callback it is an invalid opcode.",
    .requirements = {"HCALL-009"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          Scratch memory(c.vcpu());
          assay_registers registers = cpu.registers();
          registers.rax = __HYPERVISOR_event_channel_op;
          registers.rdi = EVTCHNOP_alloc_unbound;
          registers.rsi = memory.put(evtchn_alloc_unbound_t{DOMID_SELF, DOMID_SELF, kUntouched32}).raw();
          registers.rflags |= kFlagCarry;
          const uint64_t instruction = cpu.at(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER);
          const auto without = cpu.run(ASSAY_INSTRUCTION_SYSCALL, registers, ASSAY_EXECUTE_USER);
          c.check_eq(without.entry, kInvalidOpcode, "without a callback");
          c.check_eq(bounce_frame(without).rip, instruction, "at the instruction");
          c.require_eq(cpu.register_callback(CALLBACKTYPE_syscall, cpu.stub(ASSAY_ENTRY_SYSCALL)), 0, "a callback");
          const auto entered = cpu.run(ASSAY_INSTRUCTION_SYSCALL, registers, ASSAY_EXECUTE_USER);
          c.check_eq(entered.entry, ASSAY_ENTRY_SYSCALL, "with one");
          c.check_eq(entered.at.rax, registers.rax, "rax is the caller's");
          c.check_eq(entered.at.rdi, registers.rdi, "rdi is the caller's");
          const BounceFrame frame = bounce_frame(entered);
          c.check_eq(frame.rip, instruction + 2, "behind the instruction");
          c.check_eq(frame.rcx, instruction + 2, "rcx");
          c.check_eq(frame.r11 & (kFlagInterrupt | kFlagCarry), kFlagInterrupt | kFlagCarry, "r11");
          c.check_eq(frame.rflags & kFlagCarry, kFlagCarry, "rflags");
          c.check_eq(frame.rsp, cpu.stack(), "rsp");
          c.check_eq(frame.selector(), FLAT_USER_CS, "cs");
          c.check_eq(frame.ss, FLAT_USER_SS, "ss");
          c.check_eq(memory.get<evtchn_alloc_unbound_t>().port, kUntouched32, "nothing was handed out");
        },
}};

}  // namespace
}  // namespace assay
