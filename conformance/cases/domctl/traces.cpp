/// What is left of a domain that is gone, and what must not keep it: nothing.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/domctl.h, XEN_DOMCTL_destroydomain";

const Case kAcquireFault{{
    .slug = "domctl.destroydomain.after_failed_acquire.id_gone",
    .rule = "Frames of a grant table that were asked for in vain do not keep their domain.",
    .source = kSource,
    .requirements = {"DOM-LIFE-006", "MEM-ACQ-004"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.dom0().vcpu(0));
          const EmptyDomain domain(c, control);
          xen_mem_acquire_resource_t request{};
          request.domid = domain.id().raw();
          request.type = XENMEM_resource_grant_table;
          request.id = XENMEM_resource_grant_table_id_shared;
          request.nr_frames = 1;
          set_handle(request.frame_list, bad_pointer(GuestType::kPv64));
          const GuestStruct<xen_mem_acquire_resource_t> argument(c.dom0().vcpu(0), request);
          c.check_eq(memory.raw(XENMEM_acquire_resource, argument.va()), -XEN_EFAULT, "a list that cannot be written");
        },
}};

const Case kFrameInfo{{
    .slug = "domctl.destroydomain.after_getpageframeinfo3.id_gone",
    .rule = "Asking what a domain's frames are used as keeps neither the frames nor the domain.",
    .source = kSource,
    .requirements = {"DOM-INFO-011", "DOM-LIFE-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          DomctlOps control(dom0);
          MemoryOps memory(dom0);
          const EmptyDomain domain(c, control);
          allow_memory(c, control, domain.id(), 8);
          const auto page = memory.populate_physmap({.extents = {0}, .dom = domain.id()});
          c.require_eq(page.done, 1, "a page for the domain");
          const GuestStruct<uint64_t> list(dom0, page.extents[0]);
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getpageframeinfo3, domain.id());
          request.u.getpageframeinfo3.num = 1;
          set_handle(request.u.getpageframeinfo3.array, list.va());
          c.check_eq(control.call(request).result, 0, "getpageframeinfo3");
          c.check_eq(list.get(), uint64_t{XEN_DOMCTL_PFINFO_NOTAB}, "an ordinary page");
        },
}};

const Case kClaim{{
    .slug = "domctl.destroydomain.claimed_pages.given_up",
    .rule = "What a domain had claimed is free again when it is gone.",
    .source = "public/memory.h, XENMEM_claim_pages",
    .requirements = {"DOM-LIFE-005", "MEM-POD-007"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          SysctlOps machine(c.dom0().vcpu(0));
          MemoryOps memory(c.dom0().vcpu(0));
          const auto outstanding = [&machine] {
            return machine.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo.outstanding_pages;
          };
          const uint64_t before = outstanding();
          const DomId id = create_domain(c, control, empty_domain());
          allow_memory(c, control, id, 16);
          c.check_eq(memory.claim_pages(id, 16), 0, "a claim");
          c.check_eq(outstanding(), before + 16, "pages claimed on the machine");
          remove_domain(c, control, id);
          c.check_eq(outstanding(), before, "pages claimed when the domain is gone");
        },
}};

const Case kVirqHandler{{
    .slug = "domctl.set_virq_handler.handler_destroyed.first_domain_again",
    .rule = "When the domain that was to be told of a virq is destroyed, the first domain is told again.",
    .source = "public/domctl.h, XEN_DOMCTL_set_virq_handler",
    .method = "VIRQ_DOM_EXC, which the end of another domain raises.",
    .requirements = {"DOM-LIFE-007", "DOM-LIFE-005"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          EventChannels events(c.dom0().vcpu(0));
          SharedInfo info(c.dom0().vcpu(0));
          const PortResult port = events.bind_virq(VIRQ_DOM_EXC, 0);
          c.require_eq(port.result, 0, "binding VIRQ_DOM_EXC");
          info.mask(port.port);
          const DomId handler = create_domain(c, control, empty_domain());
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_set_virq_handler, handler);
          request.u.set_virq_handler.virq = VIRQ_DOM_EXC;
          c.require_eq(control.call(request).result, 0, "set_virq_handler");
          remove_domain(c, control, handler);
          info.acknowledge(port.port, 0);
          remove_domain(c, control, create_domain(c, control, empty_domain()));
          c.check(info.pending(port.port), "the end of another domain is told to the first one");
          c.check_eq(events.close(port.port), 0, "closing the port");
        },
}};

}  // namespace
}  // namespace assay
