/// How a hypercall enters: numbers, registers, and who may call what.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

/// One past the highest number of the ABI, and further out.
constexpr uint32_t kUnknownNumbers[] = {11,  38,  43,  47,   56,         63,         64,
                                        127, 128, 255, 4096, 0x7fffffff, 0x80000000, 0xffffffff};

const Case kUnknownNumber{{
    .slug = "hypercall.entry.unknown_number.enosys",
    .rule = "A hypercall number without a handler returns ENOSYS in the result register.",
    .source = "public/xen.h, hypercall numbers",
    .method = "Gaps in the table, numbers behind its end and at the ends of the 32-bit range.",
    .requirements = {"HCALL-001", "HCALL-002"},
    .body =
        [](CaseContext& c) {
          for (const uint32_t number : kUnknownNumbers) {
            c.check_eq(c.vcpu().hypercall(number, {1, 2, 3, 4, 5}), -XEN_ENOSYS, "hypercall " + std::to_string(number));
          }
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_version}) >> 16, 4, "a known one afterwards");
        },
}};

const Case kResultInRax{{
    .slug = "hypercall.entry.arguments.five_registers",
    .rule = "Number in rax; arguments in rdi, rsi, rdx, r10, r8; result in rax.",
    .source = "public/arch-x86/xen-x86_64.h, hypercall interface",
    .method = "console_io takes three arguments and update_va_mapping_otherdomain four: each error names one register.",
    .requirements = {"HCALL-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const Gva page = c.guest().alloc_pages(1);
          // Four arguments: only a foreign domain in the fourth register makes the call fail with ESRCH.
          c.check_eq(
              c.vcpu().hypercall(__HYPERVISOR_update_va_mapping_otherdomain, {page.raw(), 0, 0, kDomAbsent.raw()}),
              -XEN_ESRCH, "fourth argument names an absent domain");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), 4096, "second argument null");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, page.raw()}), -XEN_EINVAL,
                     "second argument not null");
        },
}};

const Case kHvmFullRax{{
    .slug = "hypercall.entry.hvm_64bit.registers",
    .rule = "In 64-bit mode an HVM caller passes arguments in rdi, rsi, ... as a PV64 one does; the result is in rax.",
    .source = "public/arch-x86/xen-x86_64.h, hypercall interface",
    .requirements = {"HCALL-005"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          const Gva page = c.guest().alloc_pages(1);
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), 4096, "second argument null");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, page.raw()}), -XEN_EINVAL,
                     "second argument not null");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_get_features, page.raw() + 1}), 0,
                     "unaligned second argument");
        },
}};

const Case kPvOnlyFromHvm{{
    .slug = "hypercall.entry.hvm_caller.pv_only_numbers.enosys",
    .rule = "Hypercalls that only make sense for PV guests return ENOSYS to an HVM guest.",
    .source = "public/xen.h, hypercall numbers",
    .requirements = {"HCALL-014"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kPvOnly[] = {__HYPERVISOR_set_trap_table,
                                          __HYPERVISOR_mmu_update,
                                          __HYPERVISOR_set_gdt,
                                          __HYPERVISOR_stack_switch,
                                          __HYPERVISOR_set_callbacks,
                                          __HYPERVISOR_fpu_taskswitch,
                                          __HYPERVISOR_set_debugreg,
                                          __HYPERVISOR_get_debugreg,
                                          __HYPERVISOR_update_descriptor,
                                          __HYPERVISOR_update_va_mapping,
                                          __HYPERVISOR_iret,
                                          __HYPERVISOR_update_va_mapping_otherdomain,
                                          __HYPERVISOR_set_segment_base,
                                          __HYPERVISOR_callback_op,
                                          __HYPERVISOR_nmi_op,
                                          __HYPERVISOR_sched_op_compat,
                                          __HYPERVISOR_event_channel_op_compat,
                                          __HYPERVISOR_physdev_op_compat,
                                          __HYPERVISOR_xenoprof_op,
                                          __HYPERVISOR_kexec_op,
                                          __HYPERVISOR_arch_0};
          for (const uint32_t number : kPvOnly) {
            c.check_eq(c.vcpu().hypercall(number, {0, 0, 0, 0, 0}), -XEN_ENOSYS, "hypercall " + std::to_string(number));
          }
        },
}};

const Case kBadArgumentPointer{{
    .slug = "hypercall.entry.bad_argument_pointer.efault",
    .rule = "A pointer that the guest cannot read gives EFAULT, never harm to the hypervisor or the guest.",
    .source = "public/xen.h, errno values of hypercalls",
    .method = "Event channel, scheduler and vcpu operations, each with every kind of bad address.",
    .requirements = {"HCALL-020"},
    .body =
        [](CaseContext& c) {
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            const std::string where(bad.what);
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, bad.va.raw()}),
                       -XEN_EFAULT, "event_channel_op, " + where);
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_sched_op, {SCHEDOP_poll, bad.va.raw()}), -XEN_EFAULT,
                       "sched_op poll, " + where);
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_vcpu_op, {VCPUOP_set_singleshot_timer, 0, bad.va.raw()}),
                       -XEN_EFAULT, "vcpu_op, " + where);
          }
          EventChannels channels(c.vcpu());
          c.check_eq(channels.alloc_unbound(kDomSelf).port, EvtchnPort{1}, "no port was lost on the way");
        },
}};

const Case kStructAcrossBadPage{{
    .slug = "hypercall.entry.argument_crosses_into_bad_page.efault",
    .rule = "A structure whose last bytes lie in memory the guest cannot read gives EFAULT, and nothing happens.",
    .source = "public/xen.h, errno values of hypercalls",
    .method = "An alloc_unbound argument begins at the end of the last mapped page of the guest.",
    .requirements = {"HCALL-020"},
    .body =
        [](CaseContext& c) {
          // The last page of guest memory: behind it nothing is mapped (PV64) or populated (PVH).
          const auto& space = c.guest().space();
          const Gva end{space.va_offset + space.pages * kPageSize};
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, end.raw() - 4}),
                     -XEN_EFAULT, "structure across the end of memory");
          EventChannels channels(c.vcpu());
          c.check_eq(channels.alloc_unbound(kDomSelf).port, EvtchnPort{1}, "the failed call allocated nothing");
        },
}};

const Case kPrivilegedCalls{{
    .slug = "hypercall.entry.unprivileged_caller.control_calls.eperm",
    .rule = "An unprivileged guest gets EPERM from the control interfaces, and they stay callable.",
    .source = "public/platform.h, public/sysctl.h",
    .requirements = {"SYSC-001", "DOM-002"},
    .body =
        [](CaseContext& c) {
          Scratch memory(c.vcpu());
          xen_sysctl_t sysctl{};
          sysctl.cmd = XEN_SYSCTL_sched_id;
          sysctl.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_sysctl, {memory.put(sysctl).raw()}), -XEN_EPERM, "sysctl");
          xen_domctl_t domctl{};
          domctl.cmd = XEN_DOMCTL_pausedomain;
          domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
          domctl.domain = 0;
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_domctl, {memory.put(domctl).raw()}), -XEN_EPERM, "domctl on dom0");
        },
}};

const Case kPvHvmOp{{
    .slug = "hypercall.entry.pv_caller.hvm_op.dispatched",
    .rule = "hvm_op from a PV guest is dispatched: operations that need an HVM target give EINVAL, not ENOSYS.",
    .source = "public/hvm/hvm_op.h",
    .requirements = {"HCALL-015"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Scratch memory(c.vcpu());
          xen_hvm_param_t param{};
          param.domid = DOMID_SELF;
          param.index = HVM_PARAM_CALLBACK_IRQ;
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_hvm_op, {HVMOP_set_param, memory.put(param).raw()}), -XEN_EINVAL,
                     "HVMOP_set_param on a PV domain");
        },
}};

}  // namespace
}  // namespace assay
