/// callback_op, set_callbacks and nmi_op: where a PV64 kernel wants to be entered.
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/instructions.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/vcpu_ops.hpp"

namespace assay {
namespace {

constexpr uint64_t kNotCanonical = 0x8000'0000'0000'0000;
constexpr uint16_t kUnknownType = 0x77;
constexpr uint16_t kKnownTypes[] = {CALLBACKTYPE_event, CALLBACKTYPE_failsafe, CALLBACKTYPE_syscall,
                                    CALLBACKTYPE_nmi,   CALLBACKTYPE_sysenter, CALLBACKTYPE_syscall32};

const Case kNotCanonicalFirst{{
    .slug = "callback_op.register.address_not_canonical.einval",
    .rule = "A handler address that is not canonical is refused with EINVAL, before the type is looked at.",
    .source = "public/callback.h, CALLBACKOP_register",
    .requirements = {"CALLB-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          c.require_eq(cpu.register_callback(CALLBACKTYPE_syscall, cpu.stub(ASSAY_ENTRY_SYSCALL)), 0, "a good one");
          for (const uint16_t type : kKnownTypes) {
            c.check_eq(cpu.register_callback(type, kNotCanonical), -XEN_EINVAL, "type " + std::to_string(type));
          }
          c.check_eq(cpu.register_callback(kUnknownType, kNotCanonical), -XEN_EINVAL, "an unknown type");
          c.check_eq(cpu.register_callback(kUnknownType, cpu.stub(ASSAY_ENTRY_SPARE)), -XEN_ENOSYS,
                     "and a good address");
          const auto after = cpu.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER);
          c.check_eq(after.entry, ASSAY_ENTRY_SYSCALL, "the earlier handler is still there");
        },
}};

const Case kUnknown{{
    .slug = "callback_op.unknown.enosys",
    .rule = "A callback type that does not exist, and a command that does not exist, return ENOSYS.",
    .source = "public/callback.h, CALLBACKTYPE_*, CALLBACKOP_*",
    .requirements = {"CALLB-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          for (const uint16_t type : {uint16_t{6}, kUnknownType, uint16_t{0xffff}}) {
            c.check_eq(cpu.register_callback(type, cpu.stub(ASSAY_ENTRY_SPARE)), -XEN_ENOSYS,
                       "registering type " + std::to_string(type));
            c.check_eq(cpu.unregister_callback(type), -XEN_ENOSYS, "unregistering type " + std::to_string(type));
          }
          Scratch memory(c.vcpu());
          for (const uint64_t command : {uint64_t{2}, uint64_t{0x7fffffff}}) {
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_callback_op, {command, memory.va().raw()}), -XEN_ENOSYS,
                       "command " + std::to_string(command));
          }
        },
}};

const Case kUnregister{{
    .slug = "callback_op.unregister.nmi_only",
    .rule = "Only the NMI callback can be unregistered; every other type that exists is refused with EINVAL and stays.",
    .source = "public/callback.h, CALLBACKOP_unregister",
    .method = "The syscall callback survives; an NMI after unregistering does not enter the handler.",
    .requirements = {"CALLB-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          c.require_eq(cpu.register_callback(CALLBACKTYPE_syscall, cpu.stub(ASSAY_ENTRY_SYSCALL)), 0, "syscall");
          for (const uint16_t type : kKnownTypes) {
            const int64_t expected = type == CALLBACKTYPE_nmi ? 0 : -XEN_EINVAL;
            c.check_eq(cpu.unregister_callback(type), expected, "type " + std::to_string(type));
          }
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER).entry, ASSAY_ENTRY_SYSCALL, "still there");
        },
}};

const Case kSetCallbacks{{
    .slug = "set_callbacks.address_not_canonical.ignored",
    .rule = "set_callbacks always returns 0; a member that is not canonical leaves the old handler, the others count.",
    .source = "public/xen.h, HYPERVISOR_set_callbacks",
    .method = "Events and system calls go to where the last good address said.",
    .requirements = {"CALLB-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          const auto set = [&](uint64_t event, uint64_t failsafe, uint64_t syscall) {
            return c.vcpu().hypercall(__HYPERVISOR_set_callbacks, {event, failsafe, syscall});
          };
          const uint64_t event = cpu.stub(ASSAY_ENTRY_EVENT);
          const uint64_t failsafe = cpu.stub(ASSAY_ENTRY_FAILSAFE);
          c.check_eq(set(event, failsafe, cpu.stub(ASSAY_ENTRY_SYSCALL)), 0, "three good addresses");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER).entry, ASSAY_ENTRY_SYSCALL,
                     "a system call");
          c.check_eq(set(event, kNotCanonical, cpu.stub(ASSAY_ENTRY_SPARE)), 0, "the second is bad");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER).entry, ASSAY_ENTRY_SPARE,
                     "the third counts");
          c.check_eq(set(kNotCanonical, kNotCanonical, kNotCanonical), 0, "all are bad");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER).entry, ASSAY_ENTRY_SPARE,
                     "the old one stays");
          EventChannels events(c.vcpu());
          const auto port = events.bind_ipi(0);
          c.require_eq(port.result, 0, "a port");
          c.require_eq(events.send(port.port), 0, "an event");
          c.check_eq(cpu.run(ASSAY_INSTRUCTION_NOP, ASSAY_EXECUTE_USER).entry, ASSAY_ENTRY_EVENT,
                     "the event callback stays");
        },
}};

const Case kPerVcpu{{
    .slug = "callback_op.register.second_vcpu.its_own",
    .rule = "Callbacks belong to the vCPU that registers them.",
    .source = "public/callback.h, CALLBACKOP_register: for the calling vCPU",
    .requirements = {"CALLB-005"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Instructions first(c, c.vcpu(0));
          Instructions second(c, c.vcpu(1));
          first.allow_user_mode();
          second.allow_user_mode();
          c.require_eq(first.register_callback(CALLBACKTYPE_syscall, first.stub(ASSAY_ENTRY_SYSCALL)), 0, "vCPU 0");
          c.check_eq(second.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER).entry, 6, "vCPU 1 has none: #UD");
          c.require_eq(second.register_callback(CALLBACKTYPE_syscall, second.stub(ASSAY_ENTRY_SPARE)), 0, "vCPU 1");
          c.check_eq(first.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER).entry, ASSAY_ENTRY_SYSCALL,
                     "vCPU 0 keeps");
          c.check_eq(second.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER).entry, ASSAY_ENTRY_SPARE,
                     "vCPU 1 has its own");
        },
}};

const Case kMaskEvents{{
    .slug = "callback_op.register.mask_events.upcalls_held_at_entry",
    .rule =
        "A syscall callback registered with CALLBACKF_mask_events is entered with upcalls masked, another one is not.",
    .source = "public/callback.h, CALLBACKF_mask_events",
    .requirements = {"CALLB-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          cpu.allow_user_mode();
          for (const uint16_t flags : {uint16_t{CALLBACKF_mask_events}, uint16_t{0}}) {
            const uint64_t handler = cpu.stub(ASSAY_ENTRY_SYSCALL);
            c.require_eq(cpu.register_callback(CALLBACKTYPE_syscall, handler, flags), 0, "registering");
            const auto entered = cpu.run(ASSAY_INSTRUCTION_SYSCALL, ASSAY_EXECUTE_USER);
            c.check_eq(entered.entry, ASSAY_ENTRY_SYSCALL, "the callback");
            c.check_eq(entered.upcall_mask, flags, "masked at entry, flags " + std::to_string(flags));
            c.check_eq(bounce_frame(entered).saved_mask(), 0, "not masked before");
          }
        },
}};

/// An NMI to the calling vCPU; where the next instruction behind it leads.
uint32_t after_nmi(CaseContext& c, Instructions& cpu) {
  assay_registers registers = cpu.registers();
  registers.rbx = cpu.page_entry(__HYPERVISOR_vcpu_op);
  registers.rdi = VCPUOP_send_nmi;
  registers.rsi = registers.rdx = 0;
  const auto after = cpu.run(ASSAY_INSTRUCTION_CALL, registers);
  if (after.entry == ASSAY_ENTRY_LANDING) c.check_eq(after.at.rax, 0, "VCPUOP_send_nmi");
  return after.entry;
}

const Case kNmiOp{{
    .slug = "nmi_op.register_and_unregister.as_callback_op",
    .rule = "nmi_op registers and unregisters the same callback as callback_op does; another command returns ENOSYS.",
    .source = "public/nmi.h, XENNMI_register_callback",
    .method = "The vCPU sends itself an NMI: it arrives at the handler that was registered last.",
    .requirements = {"CALLB-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Instructions cpu(c, c.vcpu());
          Scratch memory(c.vcpu());
          const auto nmi_op = [&](uint64_t command, uint64_t address) {
            xennmi_callback_t argument{};
            argument.handler_address = address;
            return c.vcpu().hypercall(__HYPERVISOR_nmi_op, {command, memory.put(argument).raw()});
          };
          c.check_eq(nmi_op(XENNMI_register_callback, kNotCanonical), -XEN_EINVAL, "not canonical");
          c.check_eq(nmi_op(2, cpu.stub(ASSAY_ENTRY_NMI)), -XEN_ENOSYS, "unknown command");
          c.require_eq(nmi_op(XENNMI_register_callback, cpu.stub(ASSAY_ENTRY_NMI)), 0, "by nmi_op");
          c.check_eq(after_nmi(c, cpu), ASSAY_ENTRY_NMI, "an NMI");
          cpu.iret(cpu.kernel_frame(cpu.landing()), cpu.registers());  // ends it
          c.require_eq(cpu.register_callback(CALLBACKTYPE_nmi, cpu.stub(ASSAY_ENTRY_SPARE)), 0, "by callback_op");
          c.check_eq(after_nmi(c, cpu), ASSAY_ENTRY_SPARE, "it replaces the other's");
          cpu.iret(cpu.kernel_frame(cpu.landing()), cpu.registers());
          c.check_eq(nmi_op(XENNMI_unregister_callback, 0), 0, "unregistering");
        },
}};

}  // namespace
}  // namespace assay
