#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

const Case kPrivileged{{
    .slug = "update_va_mapping_otherdomain.control_domain.maps_its_page",
    .rule =
        "A control domain maps a frame of another domain, by machine frame (PV) or guest frame (HVM), and shares its "
        "memory from then on.",
    .source = "public/xen.h, update_va_mapping_otherdomain",
    .requirements = {"UVA-005"},
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          MmuOps ops(dom0);
          const Page window = heap_page(dom0);
          const Page theirs = heap_page(c.vcpu());
          c.vcpu().write(theirs.va, uint64_t{42});
          const int64_t mapped =
              ops.update_va_other(window.va, make_entry(theirs.frame, kLeafRw), UVMF_INVLPG, c.guest().id());
          if (c.check_eq(mapped, 0, "mapping")) {
            c.check_eq(dom0.read<uint64_t>(window.va), 42u, "what the guest wrote");
            dom0.write(window.va, uint64_t{43});
            c.check_eq(c.vcpu().read<uint64_t>(theirs.va), 43u, "what dom0 wrote");
          }
          c.check_eq(remap(dom0, window, kLeafRw), 0, "mapping dom0's own page again");
          c.check_eq(dom0.read<uint64_t>(window.va), 0u, "its own page");
        },
}};

const Case kPageTable{{
    .slug = "update_va_mapping_otherdomain.its_page_table.read_only",
    .rule = "A page table of another domain is mapped read-only alone: writable gives EBUSY.",
    .source = "xen/arch/x86/mm.c, get_page_from_l1e",
    .requirements = {"UVA-005", "MMU-L1-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          MmuOps ops(dom0);
          MmuOps theirs(c.vcpu());
          const Page window = heap_page(dom0);
          const Page table = table_page(c.vcpu(), {{0, 0x1000}});
          c.require_eq(theirs.pin(1, table.frame), 0, "set-up: a page table");
          const DomId dom = c.guest().id();
          c.check_eq(ops.update_va_other(window.va, make_entry(table.frame, kLeafRw), UVMF_INVLPG, dom), -XEN_EBUSY,
                     "writable");
          c.check_eq(ops.update_va_other(window.va, make_entry(table.frame, kLeafRo), UVMF_INVLPG, dom), 0,
                     "read-only");
          c.check_eq(dom0.read<uint64_t>(window.va), 0x1000u, "the table");
          c.check_eq(remap(dom0, window, kLeafRw), 0, "mapping dom0's own page again");
        },
}};

const Case kHoldsIt{{
    .slug = "update_va_mapping_otherdomain.mapped_writable.no_page_table",
    .rule = "While a control domain has a page mapped writable, its owner cannot make it a page table.",
    .source = "xen/arch/x86/mm.c, get_page_from_l1e",
    .requirements = {"UVA-005", "MMU-TYPE-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          MmuOps ops(dom0);
          MmuOps theirs(c.vcpu());
          const Page window = heap_page(dom0);
          const Page page = table_page(c.vcpu());
          c.check_eq(ops.update_va_other(window.va, make_entry(page.frame, kLeafRw), UVMF_INVLPG, c.guest().id()), 0,
                     "mapping");
          c.check_ne(theirs.pin(1, page.frame), 0, "its owner pins it");
          c.check_eq(remap(dom0, window, kLeafRw), 0, "mapping dom0's own page again");
          c.check_eq(theirs.pin(1, page.frame), 0, "its owner pins it");
        },
}};

const Case kAbsentFrame{{
    .slug = "update_va_mapping_otherdomain.no_such_frame.refused",
    .rule = "A frame that the other domain does not have is not mapped, and the entry stays.",
    .source = "xen/arch/x86/mm.c, mod_l1_entry",
    .requirements = {"UVA-005"},
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          MmuOps ops(dom0);
          const Page window = heap_page(dom0);
          // PV: a frame of dom0's own. PVH: a gfn where nothing is.
          const Gfn frame = c.pv() ? heap_page(dom0).frame : Gfn{0x3'f000};
          c.check_eq(ops.update_va_other(window.va, make_entry(frame, kLeafRw), UVMF_INVLPG, c.guest().id()),
                     c.pv() ? -XEN_EBUSY : -XEN_EINVAL, "result");
          dom0.write(window.va, uint64_t{9});
          c.check_eq(dom0.read<uint64_t>(window.va), 9u, "dom0's own page is still there");
        },
}};

const Case kRefused{{
    .slug = "update_va_mapping_otherdomain.unprivileged.refused",
    .rule = "Without privilege another domain's frames are out of reach: EPERM. No such domain, or the caller's own "
            "number: "
            "ESRCH. DOMID_SELF is the caller.",
    .source = "xen/common/page_alloc.c, get_pg_owner",
    .requirements = {"UVA-005"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const Page theirs = heap_page(c.peer().vcpu(0));
          c.vcpu().write(page.va, uint64_t{5});
          const uint64_t entry = make_entry(theirs.frame, kLeafRw);
          c.check_eq(ops.update_va_other(page.va, entry, UVMF_INVLPG, c.peer().id()), -XEN_EPERM, "the peer");
          for (const DomId dom : {c.guest().id(), kDomAbsent, kDomInvalid}) {
            c.check_eq(ops.update_va_other(page.va, entry, UVMF_INVLPG, dom), -XEN_ESRCH,
                       "domain " + std::to_string(dom.raw()));
          }
          c.check_eq(c.vcpu().read<uint64_t>(page.va), 5u, "the page afterwards");
          const Page other = heap_page(c.vcpu());
          c.check_eq(ops.update_va_other(page.va, make_entry(other.frame, kLeafRw), UVMF_INVLPG, kDomSelf), 0,
                     "itself");
          c.check_eq(c.vcpu().read<uint64_t>(page.va), 0u, "the other page");
        },
}};

}  // namespace
}  // namespace assay
