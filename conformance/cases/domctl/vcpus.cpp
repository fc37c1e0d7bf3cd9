/// What a toolstack is told of vCPUs, and their contexts read and written.
#include <memory>

#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr std::string_view kContext = "public/domctl.h, XEN_DOMCTL_setvcpucontext and XEN_DOMCTL_getvcpucontext";

/// getvcpucontext and setvcpucontext by dom0, with the context in its memory.
class Contexts {
 public:
  Contexts(CaseContext& c, DomctlOps& control)
      : control_(control), memory_(c.dom0().vcpu(0), (sizeof(vcpu_guest_context_t) + kPageSize - 1) / kPageSize) {}

  int64_t get(DomId dom, uint32_t vcpu) { return call(XEN_DOMCTL_getvcpucontext, dom, vcpu, memory_.va()); }
  int64_t set(DomId dom, uint32_t vcpu, const vcpu_guest_context_t& context) {
    return call(XEN_DOMCTL_setvcpucontext, dom, vcpu, memory_.put(context));
  }
  int64_t reset(DomId dom, uint32_t vcpu) { return call(XEN_DOMCTL_setvcpucontext, dom, vcpu, Gva{0}); }
  [[nodiscard]] vcpu_guest_context_t last() const { return memory_.get<vcpu_guest_context_t>(); }

 private:
  int64_t call(uint32_t command, DomId dom, uint32_t vcpu, Gva at) {
    xen_domctl_t request = DomctlOps::request(command, dom);
    request.u.vcpucontext.vcpu = vcpu;
    set_handle(request.u.vcpucontext.ctxt, at);
    return control_.call(request).result;
  }
  DomctlOps& control_;
  Scratch memory_;
};

const Case kBlocked{{
    .slug = "domctl.getdomaininfo.some_blocked.only_all_count",
    .rule = "A domain is reported blocked only when all its online vCPUs are, running when any runs.",
    .source = "public/domctl.h, XEN_DOMINF_blocked and XEN_DOMINF_running",
    .method = "One of two vCPUs sleeps while the other one is busy; then the other one sleeps too.",
    .requirements = {"DOM-INFO-003"},
    .needs = {Capability::kDom0},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          const auto blocked = [&](uint32_t vcpu) {
            return control.vcpu_info(id, vcpu).arg.u.getvcpuinfo.blocked != 0;
          };
          const auto flag = [&](uint32_t which) {
            return (control.domain_info(id).arg.u.getdomaininfo.flags & which) != 0;
          };
          c.vcpu(0).start_halt();
          c.require(wait_until(c, [&] { return blocked(0); }), "vCPU 0 sleeps");
          c.check(!blocked(1), "vCPU 1 does not");
          c.check(!flag(XEN_DOMINF_blocked), "the domain is not blocked");
          c.check(wait_until(c, [&] { return flag(XEN_DOMINF_running); }), "it runs");
          c.vcpu(1).start_halt();
          c.require(wait_until(c, [&] { return blocked(1); }), "vCPU 1 sleeps");
          c.check(wait_until(c, [&] { return flag(XEN_DOMINF_blocked); }), "the domain is blocked");
          c.check(wait_until(c, [&] { return !flag(XEN_DOMINF_running); }), "it does not run");
        },
}};

const Case kGetErrors{{
    .slug = "domctl.getvcpucontext.not_available.einval_enodata",
    .rule = "The caller's own vCPU and numbers out of range give EINVAL, an uninitialised vCPU ENODATA.",
    .source = kContext,
    .requirements = {"DOM-INFO-007"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Contexts contexts(c, control);
          const DomId id = c.guest().id();
          c.check_eq(contexts.get(DomId{0}, 0), -XEN_EINVAL, "dom0's own vCPU");
          c.check_eq(contexts.get(id, 2), -XEN_EINVAL, "one beyond the last");
          c.check_eq(contexts.get(id, ~0u), -XEN_EINVAL, "the greatest number");
          c.check_eq(contexts.get(id, 1), -XEN_ENODATA, "a vCPU that was never started");
          const EmptyDomain empty(c, control);
          c.check_eq(contexts.get(empty.id(), 0), -XEN_EINVAL, "a vCPU that was never made");
          c.check_eq(contexts.get(id, 0), 0, "a running vCPU");
        },
}};

const Case kRoundTrip{{
    .slug = "domctl.setvcpucontext.as_read.accepted",
    .rule = "A context that was read can be set again, unchanged, and the vCPU goes on as if nothing had been.",
    .source = kContext,
    .requirements = {"DOM-INFO-008"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Contexts contexts(c, control);
          const DomId id = c.guest().id();
          c.vcpu();
          c.require_eq(control.pause(id), 0, "pausing the guest");
          c.require_eq(contexts.get(id, 0), 0, "getvcpucontext");
          const vcpu_guest_context_t context = contexts.last();
          c.check((context.flags & VGCF_online) != 0, "the vCPU is up");
          c.check_eq(contexts.set(id, 0, context), 0, "setvcpucontext");
          c.require_eq(contexts.get(id, 0), 0, "getvcpucontext again");
          const vcpu_guest_context_t again = contexts.last();
          c.check_eq(again.user_regs.rip, context.user_regs.rip, "rip");
          c.check_eq(again.user_regs.rsp, context.user_regs.rsp, "rsp");
          c.check_eq(again.ctrlreg[3], context.ctrlreg[3], "cr3");
          c.check_eq(control.unpause(id), 0, "unpausing the guest");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), kPageSize, "the guest works");
        },
}};

const Case kTablesFixed{{
    .slug = "domctl.setvcpucontext.other_tables.eopnotsupp",
    .rule = "The roots, GDT and LDT of an initialised PV vCPU cannot be changed this way: EOPNOTSUPP.",
    .source = kContext,
    .requirements = {"DOM-INFO-009"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Contexts contexts(c, control);
          const DomId id = c.guest().id();
          const uint64_t frame = c.guest().gfn_of(c.guest().alloc_pages(1)).raw();
          c.require_eq(control.pause(id), 0, "pausing the guest");
          c.require_eq(contexts.get(id, 0), 0, "getvcpucontext");
          const vcpu_guest_context_t context = contexts.last();
          const auto changed = [&](auto change) {
            vcpu_guest_context_t other = context;
            change(other);
            return contexts.set(id, 0, other);
          };
          c.check_eq(changed([&](auto& to) { to.ctrlreg[3] = frame << kPageShift; }), -XEN_EOPNOTSUPP, "another root");
          c.check_eq(changed([&](auto& to) { to.ctrlreg[1] = frame << kPageShift; }), -XEN_EOPNOTSUPP,
                     "another root for user mode");
          c.check_eq(changed([&](auto& to) {
                       to.gdt_ents = 512;
                       to.gdt_frames[0] = frame;
                     }),
                     -XEN_EOPNOTSUPP, "a GDT");
          c.check_eq(changed([&](auto& to) {
                       to.ldt_ents = 8;
                       to.ldt_base = 0x1000;
                     }),
                     -XEN_EOPNOTSUPP, "an LDT");
          c.check_eq(contexts.set(id, 0, context), 0, "the context as it was");
          c.check_eq(control.unpause(id), 0, "unpausing the guest");
          c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), kPageSize, "the guest works");
        },
}};

const Case kReset{{
    .slug = "domctl.setvcpucontext.null.down_and_uninitialised",
    .rule = "Setting no context takes a vCPU down and makes it uninitialised.",
    .source = kContext,
    .requirements = {"DOM-INFO-010", "DOM-INFO-007"},
    .needs = {Capability::kDom0},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Contexts contexts(c, control);
          VcpuOps vcpus(c.vcpu(0));
          const DomId id = c.guest().id();
          c.check_eq(vcpus.is_up(1), 1, "vCPU 1 is up");
          c.check_eq(contexts.reset(id, 2), -XEN_EINVAL, "a vCPU that is not there");
          c.check_eq(contexts.reset(DomId{0}, 0), -XEN_EINVAL, "dom0's own");
          c.check_eq(contexts.reset(id, 1), 0, "vCPU 1");
          c.check_eq(control.vcpu_info(id, 1).arg.u.getvcpuinfo.online, 0, "it is down");
          c.check_eq(contexts.get(id, 1), -XEN_ENODATA, "it has no context");
          c.check_eq(vcpus.is_up(1), 0, "its sibling sees it down");
          c.check_eq(vcpus.up(1), -XEN_EINVAL, "it cannot be brought up without being initialised");
          c.check_eq(control.domain_info(id).arg.u.getdomaininfo.nr_online_vcpus, 1u, "online vCPUs");
        },
}};

}  // namespace
}  // namespace assay
