/// A frame is one thing at a time.
#include <span>
#include <string>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

const Case kOneType{{
    .slug = "mmuext_op.page_type.in_use.no_other_type",
    .rule = "A frame in use as a table of one level is no table of another level, and is not written.",
    .source = "public/xen.h, MMUEXT_PIN_L1_TABLE",
    .requirements = {"MMU-TYPE-001", "MMUEXT-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page holder = table_page(c.vcpu());
          c.require_eq(ops.pin(1, holder.frame), 0, "set-up: a level 1 table");
          for (unsigned level = 1; level <= 4; ++level) {
            const Page table = table_page(c.vcpu());
            c.require_eq(ops.pin(level, table.frame), 0, "pin");
            for (unsigned other = 1; other <= 4; ++other) {
              const std::string what = "level " + std::to_string(level) + " as level " + std::to_string(other);
              if (other != level) c.check_eq(ops.pin(other, table.frame), -XEN_EINVAL, what);
            }
            c.check_eq(ops.set_entry(holder.frame, 0, make_entry(table.frame, kLeafRw)), -XEN_EBUSY, "writable");
            c.check_eq(ops.ext(MMUEXT_CLEAR_PAGE, table.frame.raw()), -XEN_EINVAL, "clearing it");
          }
        },
}};

const Case kAnyType{{
    .slug = "mmuext_op.page_type.unused.any_type",
    .rule = "A frame that nothing uses takes any type, one after the other.",
    .source = "public/xen.h, MMUEXT_PIN_L1_TABLE",
    .requirements = {"MMU-TYPE-002", "MMUEXT-001", "MMUEXT-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          for (unsigned level = 1; level <= 4; ++level) {
            c.vcpu().fill(page.va, kPageSize, 0);
            c.check_eq(remap(c.vcpu(), page, kLeafRo), 0, "made read-only");
            c.check_eq(ops.pin(level, page.frame), 0, "pin at level " + std::to_string(level));
            c.check_ne(remap(c.vcpu(), page, kLeafRw), 0, "written while it is a table");
            c.check_eq(ops.unpin(page.frame), 0, "unpin");
            c.check_eq(remap(c.vcpu(), page, kLeafRw), 0, "written again");
          }
        },
}};

const Case kValidated{{
    .slug = "mmuext_op.page_type.bad_entry.not_a_table",
    .rule =
        "Becoming a page table means that every entry is checked, the first and the last; one that is bad is enough "
        "for an error, and the page stays an ordinary one.",
    .source = "public/xen.h, MMUEXT_PIN_L1_TABLE",
    .requirements = {"MMU-TYPE-002", "MMUEXT-003"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Gfn theirs = heap_page(c.peer().vcpu(0)).frame;
          const Gfn ours = heap_page(c.vcpu()).frame;
          for (const unsigned index : {0u, 200u, 511u}) {
            const Page table = table_page(c.vcpu(), {{index, make_entry(theirs, kLeafRo)}});
            c.check(ops.pin(1, table.frame) < 0, "level 1, another domain's page at entry " + std::to_string(index));
            c.check_eq(ops.unpin(table.frame), -XEN_EINVAL, "it is not pinned");
            c.check_eq(remap(c.vcpu(), table, kLeafRw), 0, "it may be written");
          }
          for (unsigned level = 2; level <= 4; ++level) {
            // An ordinary page that is mapped writable is no table of the next level.
            const Page table = table_page(c.vcpu(), {{0, make_entry(ours, kBranch)}});
            c.check(ops.pin(level, table.frame) < 0, "level " + std::to_string(level) + ", an ordinary page");
            c.check_eq(ops.unpin(table.frame), -XEN_EINVAL, "it is not pinned");
            c.check_eq(remap(c.vcpu(), table, kLeafRw), 0, "it may be written");
          }
        },
}};

const Case kMappedWritable{{
    .slug = "mmuext_op.page_type.mapped_writable.no_table",
    .rule = "A frame with a writable mapping anywhere does not become a page table; without it, it does.",
    .source = "public/xen.h, MMUEXT_PIN_L1_TABLE",
    .requirements = {"MMU-TYPE-003", "MMUEXT-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 1; level <= 4; ++level) {
            const Page page = heap_page(c.vcpu());
            c.check_eq(ops.pin(level, page.frame), -XEN_EINVAL, "pin while it is mapped writable");
            c.check_eq(ops.unpin(page.frame), -XEN_EINVAL, "it is not pinned");
            c.vcpu().write(page.va, uint64_t{0});
            c.check_eq(remap(c.vcpu(), page, kLeafRo), 0, "made read-only");
            c.check_eq(ops.pin(level, page.frame), 0, "pin");
          }
        },
}};

const Case kReleasedAfterFailure{{
    .slug = "mmuext_op.page_type.validation_fails.references_released",
    .rule = "When an entry is bad, what the entries before it were given is taken back.",
    .source = "xen/arch/x86/mm.c, promote_l1_table",
    .method =
        "Level 1: a writable mapping of a page at entry 0, and a bad entry behind it; afterwards that page can be a "
        "table. Levels 2 to 4: a table of the next level at entry 0; afterwards it can be written.",
    .requirements = {"MMU-TYPE-005"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Gfn theirs = heap_page(c.peer().vcpu(0)).frame;
          const Gfn ordinary = heap_page(c.vcpu()).frame;
          const Page first = table_page(c.vcpu());
          const Page table =
              table_page(c.vcpu(), {{0, make_entry(first.frame, kLeafRw)}, {300, make_entry(theirs, kLeafRo)}});
          c.check(ops.pin(1, table.frame) < 0, "level 1: pin");
          c.check_eq(ops.pin(1, first.frame), 0, "level 1: the first entry's page is free");
          for (unsigned level = 2; level <= 4; ++level) {
            const std::string at = "level " + std::to_string(level);
            const Page below = table_page(c.vcpu());
            const Page upper =
                table_page(c.vcpu(), {{0, make_entry(below.frame, kBranch)}, {9, make_entry(ordinary, kBranch)}});
            c.check(ops.pin(level, upper.frame) < 0, at + ": pin");
            c.check_eq(remap(c.vcpu(), below, kLeafRw), 0, at + ": the first entry's table is free");
            c.check_eq(remap(c.vcpu(), upper, kLeafRw), 0, at + ": the table is free");
          }
        },
}};

const Case kLongValidation{{
    .slug = "mmuext_op.page_type.long_validation.counts_exact",
    .rule = "Validation that takes long may be interrupted and goes on; in the end every reference is held once.",
    .source = "xen/arch/x86/mm.c, promote_l4_table",
    .method = "A tree of full tables is pinned and unpinned while timers of the caller go off. While it is pinned its "
              "pages cannot be tables, afterwards each can.",
    .requirements = {"MMU-TYPE-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr unsigned kTables = 4;
          MmuOps ops(c.vcpu());
          const Page target = table_page(c.vcpu());
          const Page l2 = heap_page(c.vcpu());
          for (unsigned i = 0; i < kTables; ++i) {
            const Page l1 = heap_page(c.vcpu());
            const std::vector<uint64_t> entries(kEntries, make_entry(target.frame, kLeafRw));
            c.require(!c.vcpu().write_bytes(l1.va, std::as_bytes(std::span(entries))), "set-up: a full table");
            c.require_eq(remap(c.vcpu(), l1, kLeafRo), 0, "set-up: read-only");
            for (unsigned slot = i; slot < kEntries; slot += kTables) {
              c.vcpu().write(l2.va + slot * sizeof(uint64_t), make_entry(l1.frame, kBranch));
            }
          }
          c.require_eq(remap(c.vcpu(), l2, kLeafRo), 0, "set-up: read-only");
          const Page l3 = table_page(c.vcpu(), {{5, make_entry(l2.frame, kBranch)}});
          const Page l4 = table_page(c.vcpu(), {{3, make_entry(l3.frame, kBranch)}});
          c.vcpu().set_upcalls(true);
          for (unsigned round = 0; round < 3; ++round) {
            c.vcpu().hypercall(__HYPERVISOR_set_timer_op, {c.vcpu().time_ns() + 10'000});
            c.check_eq(ops.pin(4, l4.frame), 0, "pin");
            c.check_ne(ops.pin(1, target.frame), 0, "its page cannot be a table");
            c.vcpu().hypercall(__HYPERVISOR_set_timer_op, {c.vcpu().time_ns() + 10'000});
            c.check_eq(ops.unpin(l4.frame), 0, "unpin");
            c.check_eq(ops.pin(1, target.frame), 0, "its page can be a table");
            c.check_eq(ops.unpin(target.frame), 0, "unpin of the page");
          }
          c.check_eq(remap(c.vcpu(), l2, kLeafRw), 0, "the tables are ordinary pages again");
        },
}};

}  // namespace
}  // namespace assay
