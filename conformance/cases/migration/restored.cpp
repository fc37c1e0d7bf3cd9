/// A domain that was suspended and saved, in a fresh domain: its state is there as it was, as its controller sees it.
#include <algorithm>
#include <cstring>

#include "conformance/case.hpp"
#include "conformance/guest/cpu_policies.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/hvm_context.hpp"
#include "conformance/guest/moved_domain.hpp"
#include "conformance/guest/vcpu_states.hpp"

namespace assay {
namespace {

constexpr uint32_t kTscAux = 0xc000'0103, kLstar = 0xc000'0082;

vcpu_guest_context_t context_of(CaseContext& c, DomId dom) {
  DomctlOps control(c.dom0().vcpu(0));
  const Scratch memory(c.dom0().vcpu(0), (sizeof(vcpu_guest_context_t) + kPageSize - 1) / kPageSize);
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getvcpucontext, dom);
  set_handle(request.u.vcpucontext.ctxt, memory.va());
  c.require_eq(control.call(request).result, 0, "getvcpucontext");
  return memory.get<vcpu_guest_context_t>();
}

template <typename T>
bool same_bytes(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

const Case kContext{{
    .slug = "migration.restored.vcpu_context.as_it_was",
    .rule =
        "The context of a saved vCPU, put into a fresh domain, reads back: registers, segment bases, traps, callbacks "
        "and stacks. Frames that it names are those of the fresh domain.",
    .source = "public/arch-x86/xen.h, vcpu_guest_context",
    .requirements = {"MIG-047"},
    .body =
        [](CaseContext& c) {
          const MovedDomain moved(c);
          vcpu_guest_context_t before = context_of(c, c.guest().id());
          const vcpu_guest_context_t after = context_of(c, moved.id());
          // A PV guest tells there where its start_info is.
          if (c.pv()) before.user_regs.rdx = after.user_regs.rdx;
          c.check(same_bytes(after.user_regs, before.user_regs), "registers");
          c.check_eq(after.flags, before.flags, "flags");
          if (!c.pv()) return;
          c.check_eq(after.fs_base, before.fs_base, "base of fs");
          c.check_eq(after.gs_base_kernel, before.gs_base_kernel, "base of gs, kernel");
          c.check_eq(after.gs_base_user, before.gs_base_user, "base of gs, user");
          c.check(same_bytes(after.trap_ctxt, before.trap_ctxt), "traps");
          c.check_eq(after.kernel_sp, before.kernel_sp, "kernel stack");
          c.check_eq(after.event_callback_eip, before.event_callback_eip, "event callback");
          c.check_eq(after.failsafe_callback_eip, before.failsafe_callback_eip, "failsafe callback");
          c.check_eq(after.syscall_callback_eip, before.syscall_callback_eip, "syscall callback");
          c.check_eq(after.vm_assist, before.vm_assist, "assists");
          c.check_ne(after.ctrlreg[3], before.ctrlreg[3], "root of the page tables");
        },
}};

const Case kFurther{{
    .slug = "migration.restored.further_state.as_it_was",
    .rule = "Whatever else a vCPU has the hypervisor hands out and takes: extended context and MSRs of a PV vCPU, the "
            "records of an HVM one, all alike in the fresh domain but for the time.",
    .source = "public/domctl.h; public/arch-x86/hvm/save.h",
    .requirements = {"MIG-048"},
    .body =
        [](CaseContext& c) {
          c.require(!c.vcpu().wrmsr(c.pv() ? kTscAux : kLstar, 0x1234).has_value(), "set-up: the guest writes an MSR");
          const MovedDomain moved(c);
          c.check(moved.left_out().empty(), "there is an operation for all of its state");
          if (c.pv()) {
            VcpuStateOps saved(c.dom0().vcpu(0), c.guest().id()), restored(c.dom0().vcpu(0), moved.id());
            const auto before = saved.extended(0), after = restored.extended(0);
            c.check_eq(after.arg.u.ext_vcpucontext.vmce.caps, before.arg.u.ext_vcpucontext.vmce.caps, "machine checks");
            c.check_eq(restored.msrs(0, 7).arg.u.vcpu_msrs.msr_count, 1u, "MSRs");
            c.check_eq(restored.buffer<xen_domctl_vcpu_msr_t>(1).front().value, 0x1234u, "the one that was written");
            return;
          }
          const auto records = [&](DomId dom) {
            auto all = parse_hvm_stream(HvmContextOps(c.dom0().vcpu(0), dom).save());
            for (HvmRecord& record : all) {
              if (record.type != HVM_SAVE_CODE(CPU)) continue;
              std::memset(&record.body[offsetof(hvm_hw_cpu, tsc)], 0, sizeof(hvm_hw_cpu::tsc));
            }
            return all;
          };
          const std::vector<HvmRecord> before = records(c.guest().id()), after = records(moved.id());
          c.require_eq(after.size(), before.size(), "records");
          for (size_t i = 0; i < before.size(); ++i) {
            c.check(after[i] == before[i], "record of type " + std::to_string(before[i].type));
          }
        },
}};

const Case kMemory{{
    .slug = "migration.restored.memory.as_it_was",
    .rule =
        "All memory of a saved domain can be read by its controller and written into a fresh domain, page for page.",
    .source = "public/memory.h, XENMEM_populate_physmap",
    .requirements = {"MIG-049"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          const Gva page = c.guest().alloc_pages(1);
          c.vcpu().write(page, uint64_t{0x1234'5678});
          const MovedDomain moved(c);
          c.check_eq(moved.memory_difference(), std::string(), "pages that differ");
        },
}};

const Case kTables{{
    .slug = "migration.restored.page_tables.pinned_again",
    .rule =
        "The page tables of a saved PV domain, with frames of the fresh domain in their entries, can be pinned there: "
        "its root is a pinned level 4 table.",
    .source = "docs/specs/libxc-migration-stream.pandoc, PAGE_DATA",
    .requirements = {"MIG-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          const MovedDomain moved(c);
          const Scratch list(c.dom0().vcpu(0));
          DomctlOps control(c.dom0().vcpu(0));
          for (const DomId dom : {c.guest().id(), moved.id()}) {
            const uint64_t root = context_of(c, dom).ctrlreg[3] >> kPageShift;
            list.vcpu().write(list.va(), root);
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getpageframeinfo3, dom);
            request.u.getpageframeinfo3.num = 1;
            set_handle(request.u.getpageframeinfo3.array, list.va());
            c.require_eq(control.call(request).result, 0, "getpageframeinfo3");
            c.check_eq(list.get<uint64_t>(), XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB, "the root");
          }
        },
}};

const Case kChannels{{
    .slug = "migration.restored.event_channels.none_bound",
    .rule = "A fresh domain has none of the event channels that the saved one had: its guest binds them again.",
    .source = "docs/specs/libxc-migration-stream.pandoc",
    .requirements = {"MIG-018"},
    .body =
        [](CaseContext& c) {
          EventChannels control(c.dom0().vcpu(0));
          const PortResult port = EventChannels(c.vcpu()).bind_ipi(0);
          c.require_eq(port.result, 0, "set-up: a port of the guest");
          const MovedDomain moved(c);
          c.check_eq(control.status(port.port, c.guest().id()).arg.status, uint32_t{EVTCHNSTAT_ipi}, "before");
          const auto after = control.status(port.port, moved.id());
          c.check(after.result == -XEN_EINVAL || (after.result == 0 && after.arg.status == EVTCHNSTAT_closed), "after");
        },
}};

const Case kPolicyAndAge{{
    .slug = "migration.restored.policy_and_age.as_they_were",
    .rule =
        "What CPUID says, and how old the domain is, are those of the saved one; its TSC is one incarnation further.",
    .source = "public/domctl.h, xen_domctl_cpu_policy, xen_domctl_tsc_info",
    .requirements = {"MIG-028", "MIG-038"},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto tsc_info = [&](DomId dom) {
            const auto got = control.call(XEN_DOMCTL_gettscinfo, dom);
            c.require_eq(got.result, 0, "gettscinfo");
            return got.arg.u.tsc_info;
          };
          const xen_domctl_tsc_info before = tsc_info(c.guest().id());
          const MovedDomain moved(c);
          const xen_domctl_tsc_info after = tsc_info(moved.id());
          c.check_eq(after.tsc_mode, before.tsc_mode, "TSC mode");
          c.check_eq(after.gtsc_khz, before.gtsc_khz, "TSC rate");
          c.check_eq(after.incarnation, before.incarnation + 1, "incarnation");
          c.check(after.elapsed_nsec >= before.elapsed_nsec, "it is not younger");
          CpuPolicyOps policies(c.dom0().vcpu(0));
          const auto leaves = policies.leaves_of(c.guest().id()), restored = policies.leaves_of(moved.id());
          c.require_eq(restored.size(), leaves.size(), "CPUID leaves");
          for (size_t i = 0; i < leaves.size(); ++i) {
            c.check(same_bytes(restored[i], leaves[i]), "leaf " + show(leaves[i].leaf));
          }
        },
}};

const Case kRuns{{
    .slug = "migration.restored.runs.as_before",
    .rule =
        "A fresh domain that was given the state of a saved one runs: SHUTDOWN_suspend returns 0 there, its memory is "
        "its own, and its hypercalls are those of the fresh domain.",
    .source = "public/sched.h, SHUTDOWN_suspend",
    .requirements = {"MIG-047"},
    .body =
        [](CaseContext& c) {
          const Gva page = c.guest().alloc_pages(1);
          c.vcpu().write(page, uint64_t{41});
          MovedDomain moved(c);
          Domain& fresh = moved.run();
          const Outcome<uint64_t> counted = fresh.vcpu(0).atomic(ASSAY_ATOMIC_ADD, page, sizeof(uint64_t), 1);
          c.check(counted.ok() && counted.value == 41, "its counter is as it was left");
          c.check_eq(fresh.vcpu(0).read<uint64_t>(page), 42u, "and goes on");
          c.check_ne(fresh.id(), c.guest().id(), "domain ids");
          const PortResult port = EventChannels(fresh.vcpu(0)).bind_ipi(0);
          c.require_eq(port.result, 0, "bind_ipi");
          EventChannels control(c.dom0().vcpu(0));
          c.check_eq(control.status(port.port, fresh.id()).arg.status, uint32_t{EVTCHNSTAT_ipi}, "its port");
        },
}};

const Case kCancelled{{
    .slug = "migration.restored.cancelled.source_goes_on",
    .rule =
        "A saved domain that goes on where it is learns that it was not moved: SHUTDOWN_suspend returns 1, and it has "
        "its event channels still.",
    .source = "public/sched.h, SHUTDOWN_suspend",
    .requirements = {"MIG-045", "MIG-040"},
    .body =
        [](CaseContext& c) {
          const PortResult port = EventChannels(c.vcpu()).bind_ipi(0);
          c.require_eq(port.result, 0, "set-up: a port of the guest");
          const Gva page = c.guest().alloc_pages(1);
          c.vcpu().write(page, uint64_t{77});
          MovedDomain moved(c);
          c.check(moved.cancel(), "the call says that it was not moved");
          c.check_eq(c.vcpu().read<uint64_t>(page), 77u, "its memory");
          c.check_eq(EventChannels(c.vcpu()).status(port.port).arg.status, uint32_t{EVTCHNSTAT_ipi}, "its port");
        },
}};

}  // namespace
}  // namespace assay
