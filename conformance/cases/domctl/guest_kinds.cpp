/// domctl commands whose answer depends on what kind of guest it is, or on what it is told: width, buttons, debugger,
/// target.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"

namespace assay {
namespace {

constexpr DomId kNobody{0x7000};

const Case kAddressSize{{
    .slug = "domctl.address_size.pv64_only",
    .rule = "A PV guest here is 64 bits wide and stays so; the width of an HVM guest is not the toolstack's to say.",
    .source = "public/domctl.h, XEN_DOMCTL_set_address_size, XEN_DOMCTL_get_address_size",
    .method = "32 bits are refused because this hypervisor runs no 32-bit PV guests.",
    .requirements = {"DOM-CREATE-008"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto set = [&](uint32_t bits) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_address_size, c.guest().id());
            request.u.address_size.size = bits;
            return control.call(request).result;
          };
          const auto get = control.call(XEN_DOMCTL_get_address_size, c.guest().id());
          if (!c.pv()) {
            c.check_eq(get.result, -XEN_EOPNOTSUPP, "asking");
            c.check_eq(set(64), -XEN_EOPNOTSUPP, "setting");
            return;
          }
          c.check_eq(get.result, 0, "asking");
          c.check_eq(get.arg.u.address_size.size, 64u, "width");
          c.check_eq(set(64), 0, "64");
          c.check_eq(set(32), -XEN_EOPNOTSUPP, "32");
          c.check_eq(set(16), -XEN_EINVAL, "16");
          c.check_eq(control.call(XEN_DOMCTL_get_address_size, c.guest().id()).arg.u.address_size.size, 64u,
                     "width afterwards");
        },
}};

const Case kPagingPool{{
    .slug = "domctl.paging_mempool_size.hvm_only_whole_pages",
    .rule = "The paging pool is HVM's, of whole pages, and of fewer than 2^32 of them.",
    .source = "public/domctl.h, XEN_DOMCTL_set_paging_mempool_size, XEN_DOMCTL_get_paging_mempool_size",
    .requirements = {"DOM-CREATE-010"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto set = [&](uint64_t bytes) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_paging_mempool_size, c.guest().id());
            request.u.paging_mempool.size = bytes;
            return control.call(request).result;
          };
          const auto get = control.call(XEN_DOMCTL_get_paging_mempool_size, c.guest().id());
          if (c.pv()) {
            c.check_eq(get.result, -XEN_EOPNOTSUPP, "asking");
            c.check_eq(set(kPageSize), -XEN_EOPNOTSUPP, "setting");
            return;
          }
          c.check_eq(get.result, 0, "asking");
          const uint64_t bytes = get.arg.u.paging_mempool.size;
          c.check(bytes != 0 && bytes % kPageSize == 0, "some pages");
          c.check_eq(set(bytes + 1), -XEN_EINVAL, "a part of a page");
          c.check_eq(set(uint64_t{1} << 44), -XEN_EINVAL, "2^32 pages");
          c.check_eq(set(bytes), 0, "as it is");
          c.check_eq(control.call(XEN_DOMCTL_get_paging_mempool_size, c.guest().id()).arg.u.paging_mempool.size, bytes,
                     "bytes afterwards");
        },
}};

const Case kTriggers{{
    .slug = "domctl.sendtrigger.buttons_are_hvm",
    .rule = "The buttons exist for HVM guests, unknown triggers and vCPUs for none.",
    .source = "public/domctl.h, XEN_DOMCTL_sendtrigger",
    .requirements = {"DOM-LIFE-013"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto send = [&](uint32_t trigger, uint32_t vcpu) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_sendtrigger, c.guest().id());
            request.u.sendtrigger.trigger = trigger;
            request.u.sendtrigger.vcpu = vcpu;
            return control.call(request).result;
          };
          for (const uint32_t button :
               {uint32_t{XEN_DOMCTL_SENDTRIGGER_POWER}, uint32_t{XEN_DOMCTL_SENDTRIGGER_SLEEP}}) {
            c.check_eq(send(button, 0), c.pv() ? -XEN_EINVAL : 0, "button " + show(button));
          }
          c.check_eq(send(99, 0), -XEN_ENOSYS, "a trigger that does not exist");
          c.check_eq(send(XEN_DOMCTL_SENDTRIGGER_POWER, 2), -XEN_ESRCH, "a vCPU that does not exist");
          c.check_eq(send(XEN_DOMCTL_SENDTRIGGER_NMI, 0x8000), -XEN_ESRCH, "an NMI to one that cannot");
        },
}};

const Case kDebugger{{
    .slug = "domctl.setdebugging.shown_in_flags",
    .rule = "Whether a debugger is attached shows in the domain's flags; a domain cannot say so of itself.",
    .source = "public/domctl.h, XEN_DOMCTL_setdebugging, XEN_DOMINF_debugged",
    .requirements = {"DOM-INFO-013"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto set = [&](DomId dom, uint8_t enable) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_setdebugging, dom);
            request.u.setdebugging.enable = enable;
            return control.call(request).result;
          };
          const auto shown = [&] {
            return (control.domain_info(c.guest().id()).arg.u.getdomaininfo.flags & XEN_DOMINF_debugged) != 0;
          };
          c.check(!shown(), "no debugger at first");
          c.check_eq(set(c.guest().id(), 1), 0, "attaching");
          c.check(shown(), "a debugger");
          c.check_eq(set(c.guest().id(), 0), 0, "detaching");
          c.check(!shown(), "no debugger any more");
          c.check_eq(set(c.dom0().id(), 1), -XEN_EINVAL, "of itself");
        },
}};

const Case kTarget{{
    .slug = "domctl.set_target.errors",
    .rule = "A domain is made the device model's of another, HVM, domain once; not of itself, nor of one that is not "
            "there.",
    .source = "public/domctl.h, XEN_DOMCTL_set_target",
    .requirements = {"DOM-LIFE-014"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto set = [&](DomId dom, DomId target) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_target, dom);
            request.u.set_target.target = target.raw();
            return control.call(request).result;
          };
          const DomId guest = c.guest().id(), peer = c.peer().id();
          c.check_eq(set(guest, kNobody), -XEN_ESRCH, "a target that does not exist");
          c.check_eq(set(guest, guest), -XEN_EINVAL, "itself");
          c.check_eq(set(guest, peer), c.pv() ? -XEN_EOPNOTSUPP : 0, "the other guest");
          if (!c.pv()) c.check_eq(set(guest, peer), -XEN_EINVAL, "a second time");
        },
}};

const Case kMonitorModes{{
    .slug = "domctl.vm_event.version_and_modes",
    .rule = "vm_event_op tells its version whatever the domain; modes and operations that do not exist give ENOSYS.",
    .source = "public/domctl.h, XEN_DOMCTL_vm_event_op",
    .requirements = {"DOM-LIFE-015"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto ask = [&](DomId dom, uint32_t mode, uint32_t op) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_vm_event_op, dom);
            request.u.vm_event_op.mode = mode;
            request.u.vm_event_op.op = op;
            return control.call(request);
          };
          const auto version = ask(c.guest().id(), XEN_DOMCTL_VM_EVENT_OP_MONITOR, XEN_VM_EVENT_GET_VERSION);
          c.check_eq(version.result, 0, "version");
          c.check(version.arg.u.vm_event_op.u.version >= 7, "a version of this ABI");
          c.check_eq(ask(c.guest().id(), 99, XEN_VM_EVENT_ENABLE).result, -XEN_ENOSYS, "a mode that does not exist");
          c.check_eq(ask(c.dom0().id(), XEN_DOMCTL_VM_EVENT_OP_MONITOR, XEN_VM_EVENT_ENABLE).result, -XEN_EINVAL,
                     "monitoring itself");
          c.check_eq(ask(c.guest().id(), XEN_DOMCTL_VM_EVENT_OP_MONITOR, 99).result, -XEN_ENOSYS,
                     "an operation that does not exist");
          c.check_eq(ask(c.guest().id(), XEN_DOMCTL_VM_EVENT_OP_MONITOR, XEN_VM_EVENT_RESUME).result, -XEN_ENODEV,
                     "resuming without a monitor");
        },
}};

}  // namespace
}  // namespace assay
