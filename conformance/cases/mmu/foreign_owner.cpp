/// The last argument of mmu_update: whose frames, and whose page tables.
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr uint32_t tables_of(DomId dom) {
  return (uint32_t{dom.raw()} + 1) << 16;
}

const Case kOwnNumber{{
    .slug = "mmu_update.foreigndom.own_number.esrch",
    .rule = "The caller's own number is no name for it: ESRCH; DOMID_SELF is. Nor is the number of no domain.",
    .source = "xen/common/page_alloc.c, get_pg_owner",
    .requirements = {"MMU-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          for (const DomId dom : {c.guest().id(), kDomAbsent, kDomInvalid}) {
            const ListResult got = ops.update({MmuOps::request(page.frame, 0, 5)}, dom.raw());
            c.check_eq(got.result, -XEN_ESRCH, "domain " + std::to_string(dom.raw()));
            c.check(got.done == 0 || got.done == kUntouched32, "nothing counts as done");
          }
          c.check_eq(entry_at(c.vcpu(), page, 0), 0u, "the word afterwards");
          c.check_eq(ops.set_entry(page.frame, 0, 5), 0, "DOMID_SELF");
        },
}};

const Case kTableOwnerAbsent{{
    .slug = "mmu_update.table_owner.absent.esrch",
    .rule = "A table owner that does not exist gives ESRCH, to a control domain as to any other.",
    .source = "xen/arch/x86/mm.c, do_mmu_update",
    .requirements = {"MMU-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          for (Vcpu* vcpu : {&c.vcpu(), &c.dom0().vcpu(0)}) {
            MmuOps ops(*vcpu);
            const Page page = heap_page(*vcpu);
            c.check_eq(ops.set_entry(page.frame, 0, 5, MMU_NORMAL_PT_UPDATE, tables_of(kDomAbsent) | DOMID_SELF),
                       -XEN_ESRCH, "an absent table owner");
            c.check_eq(entry_at(*vcpu, page, 0), 0u, "the word afterwards");
          }
        },
}};

const Case kUnprivileged{{
    .slug = "mmu_update.foreigndom.unprivileged.eperm",
    .rule = "A domain without privilege works neither on another one's tables nor with its frames: EPERM.",
    .source = "xen/arch/x86/mm.c, do_mmu_update",
    .requirements = {"MMU-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page ours = heap_page(c.vcpu());
          const Page theirs = heap_page(c.peer().vcpu(0));
          const DomId peer = c.peer().id();
          c.check_eq(ops.set_entry(theirs.frame, 0, 5, MMU_NORMAL_PT_UPDATE, tables_of(peer) | DOMID_SELF), -XEN_EPERM,
                     "another table owner");
          c.check_eq(entry_at(c.peer().vcpu(0), theirs, 0), 0u, "the peer's word");
          c.check_eq(ops.set_entry(ours.frame, 0, 5, MMU_NORMAL_PT_UPDATE, peer.raw()), -XEN_EPERM,
                     "another frame owner");
          c.check_eq(entry_at(c.vcpu(), ours, 0), 0u, "our word");
        },
}};

const Case kPrivilegedTables{{
    .slug = "mmu_update.table_owner.control_domain.works_on_its_tables",
    .rule = "A control domain updates another PV domain's tables; what an entry may say is decided as for the owner.",
    .source = "public/xen.h, mmu_update: foreigndom[31:16]",
    .requirements = {"MMU-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps theirs(c.vcpu());
          MmuOps ops(c.dom0().vcpu(0));
          const Page page = heap_page(c.vcpu());
          const Page table = table_page(c.vcpu());
          c.require_eq(theirs.pin(1, table.frame), 0, "set-up: pin");
          const uint32_t foreign = tables_of(c.guest().id()) | c.guest().id().raw();
          c.check_eq(ops.set_entry(table.frame, 2, make_entry(page.frame, kLeafRw), MMU_NORMAL_PT_UPDATE, foreign), 0,
                     "mapping its page");
          c.check_eq(frame_of_entry(entry_at(c.vcpu(), table, 2)), page.frame, "the entry");
          c.check_eq(ops.set_entry(table.frame, 3, make_entry(table.frame, kLeafRw), MMU_NORMAL_PT_UPDATE, foreign),
                     -XEN_EBUSY, "mapping its page table writable");
          c.check_eq(entry_at(c.vcpu(), table, 3), 0u, "the entry that was refused");
        },
}};

const Case kUpperLevels{{
    .slug = "mmu_update.frame_owner.above_level_1.einval",
    .rule = "Only level 1 entries may name another domain's frames: at levels 2 to 4 a foreign owner gives EINVAL.",
    .source = "xen/arch/x86/mm.c, do_mmu_update",
    .method = "DOMID_IO is a foreign owner that every domain may name.",
    .requirements = {"MMU-013"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 2; level <= 4; ++level) {
            const Page below = table_page(c.vcpu());
            const Page table = table_page(c.vcpu());
            c.require_eq(ops.pin(level, table.frame), 0, "set-up: pin");
            const uint64_t entry = make_entry(below.frame, kBranch);
            c.check_eq(ops.set_entry(table.frame, 0, entry, MMU_NORMAL_PT_UPDATE, DOMID_IO), -XEN_EINVAL,
                       "level " + std::to_string(level) + ", foreign owner");
            c.check_eq(entry_at(c.vcpu(), table, 0), 0u, "the entry");
            c.check_eq(ops.set_entry(table.frame, 0, entry), 0, "the same as our own");
          }
        },
}};

}  // namespace
}  // namespace assay
