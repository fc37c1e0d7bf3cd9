/// Linear page tables: an entry that names a table of the level it is in.
#include <span>
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

std::string at_level(unsigned level) {
  return "level " + std::to_string(level);
}

const Case kSelf{{
    .slug = "mmu_update.linear.self_map_read_only.works",
    .rule = "A read-only entry of an L2, L3 or L4 may name the table that it is in; it does not keep the table.",
    .source = "xen/arch/x86/mm.c, define_get_linear_pagetable",
    .requirements = {"MMU-LIN-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 2; level <= 4; ++level) {
            const Page table = table_page(c.vcpu());
            c.require_eq(ops.pin(level, table.frame), 0, "set-up: pin");
            c.check_eq(ops.set_entry(table.frame, 9, make_entry(table.frame, kLinear)), 0,
                       at_level(level) + ": update");
            c.check_eq(frame_of_entry(entry_at(c.vcpu(), table, 9)), table.frame, at_level(level) + ": the entry");
            c.check_eq(ops.unpin(table.frame), 0, at_level(level) + ": unpin");
            c.check_eq(remap(c.vcpu(), table, kLeafRw), 0, at_level(level) + ": an ordinary page again");
          }
        },
}};

const Case kSelfPinned{{
    .slug = "mmuext_op.pin.self_map.works",
    .rule = "A table that was written with a read-only entry for itself can be pinned.",
    .source = "xen/arch/x86/mm.c, define_get_linear_pagetable",
    .requirements = {"MMU-LIN-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 2; level <= 4; ++level) {
            const Page table = heap_page(c.vcpu());
            c.vcpu().write(table.va + 9 * sizeof(uint64_t), make_entry(table.frame, kLinear));
            c.require_eq(remap(c.vcpu(), table, kLeafRo), 0, "set-up: read-only");
            c.check_eq(ops.pin(level, table.frame), 0, at_level(level) + ": pin");
            c.check_eq(ops.unpin(table.frame), 0, at_level(level) + ": unpin");
            c.check_eq(remap(c.vcpu(), table, kLeafRw), 0, at_level(level) + ": an ordinary page again");
          }
        },
}};

const Case kReadsTables{{
    .slug = "mmu_update.linear.self_map_of_root.tables_readable",
    .rule =
        "Through a self map of its root a guest reads its page tables at addresses of its own, and cannot write them.",
    .source = "public/xen.h, page tables of PV guests",
    .method = "Slot 2 of the root names the root: the address with that slot at every level shows the root itself.",
    .requirements = {"MMU-LIN-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kSlot = 2;
          MmuOps ops(c.vcpu());
          const Page root = root_table(c.guest());
          c.require_eq(ops.set_entry(root.frame, kSlot, make_entry(root.frame, kLinear)), 0, "self map");
          const Gva seen{kSlot << 39 | kSlot << 30 | kSlot << 21 | kSlot << 12};
          uint64_t entry = 0;
          c.check(!c.vcpu().read_bytes(seen + kSlot * sizeof entry, std::as_writable_bytes(std::span(&entry, 1))),
                  "reading");
          c.check_eq(frame_of_entry(entry), root.frame, "the entry for itself");
          c.check(c.vcpu().write_bytes(seen, std::as_bytes(std::span(&entry, 1))).has_value(), "writing faults");
          c.check_eq(ops.set_entry(root.frame, kSlot, 0), 0, "removing it");
        },
}};

const Case kWritable{{
    .slug = "mmu_update.linear.writable.einval",
    .rule = "A writable linear entry is refused with EINVAL, by an update and by a pin.",
    .source = "xen/arch/x86/mm.c, define_get_linear_pagetable",
    .requirements = {"MMU-LIN-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 2; level <= 4; ++level) {
            const Page table = table_page(c.vcpu());
            c.require_eq(ops.pin(level, table.frame), 0, "set-up: pin");
            c.check_eq(ops.set_entry(table.frame, 9, make_entry(table.frame, kBranch)), -XEN_EINVAL,
                       at_level(level) + ": update");
            c.check_eq(entry_at(c.vcpu(), table, 9), 0u, at_level(level) + ": the entry");
            const Page written = heap_page(c.vcpu());
            c.vcpu().write(written.va + 9 * sizeof(uint64_t), make_entry(written.frame, kBranch));
            c.require_eq(remap(c.vcpu(), written, kLeafRo), 0, "set-up: read-only");
            c.check_eq(ops.pin(level, written.frame), -XEN_EINVAL, at_level(level) + ": pin");
            c.check_eq(remap(c.vcpu(), written, kLeafRw), 0, at_level(level) + ": an ordinary page");
          }
        },
}};

const Case kOneStep{{
    .slug = "mmu_update.linear.of_linear_table.refused",
    .rule = "Linear entries go one step: a table that another one of its level names this way has no such entries "
            "itself, and one that has them is not named.",
    .source = "xen/arch/x86/mm.c, define_get_linear_pagetable",
    .requirements = {"MMU-LIN-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 2; level <= 4; ++level) {
            const Page a = table_page(c.vcpu());
            const Page b = table_page(c.vcpu());
            const Page d = table_page(c.vcpu());
            for (const Page& page : {a, b, d}) c.require_eq(ops.pin(level, page.frame), 0, "set-up: pin");
            c.check_eq(ops.set_entry(a.frame, 1, make_entry(b.frame, kLinear)), 0, at_level(level) + ": a names b");
            c.check_eq(ops.set_entry(b.frame, 1, make_entry(d.frame, kLinear)), -XEN_EINVAL,
                       at_level(level) + ": b, which is named, names d");
            c.check_eq(ops.set_entry(d.frame, 1, make_entry(a.frame, kLinear)), -XEN_EINVAL,
                       at_level(level) + ": d names a, which names b");
            c.check_eq(ops.set_entry(d.frame, 1, make_entry(b.frame, kLinear)), 0, at_level(level) + ": d names b too");
            c.check_eq(ops.set_entry(a.frame, 1, 0), 0, at_level(level) + ": a forgets b");
            c.check_eq(ops.set_entry(b.frame, 1, make_entry(a.frame, kLinear)), -XEN_EINVAL,
                       at_level(level) + ": b is still named by d");
            c.check_eq(ops.set_entry(d.frame, 1, 0), 0, at_level(level) + ": d forgets b");
            c.check_eq(ops.set_entry(b.frame, 1, make_entry(a.frame, kLinear)), 0, at_level(level) + ": b names a");
          }
        },
}};

const Case kHoldsTable{{
    .slug = "mmu_update.linear.other_table.held",
    .rule = "A linear entry for another table keeps that table a table until the entry goes.",
    .source = "xen/arch/x86/mm.c, define_get_linear_pagetable",
    .requirements = {"MMU-LIN-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 2; level <= 4; ++level) {
            const Page a = table_page(c.vcpu());
            const Page b = table_page(c.vcpu());
            for (const Page& page : {a, b}) c.require_eq(ops.pin(level, page.frame), 0, "set-up: pin");
            c.check_eq(ops.set_entry(a.frame, 1, make_entry(b.frame, kLinear)), 0, at_level(level) + ": a names b");
            c.check_eq(ops.unpin(b.frame), 0, at_level(level) + ": unpin of b");
            c.check_ne(remap(c.vcpu(), b, kLeafRw), 0, at_level(level) + ": b is still a table");
            c.check_eq(ops.unpin(a.frame), 0, at_level(level) + ": unpin of a");
            c.check_eq(remap(c.vcpu(), b, kLeafRw), 0, at_level(level) + ": b is an ordinary page");
          }
        },
}};

}  // namespace
}  // namespace assay
