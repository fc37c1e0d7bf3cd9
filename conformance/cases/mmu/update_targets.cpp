/// What mmu_update does depends on what the frame is used as.
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/descriptor_page.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

const Case kWritableFrame{{
    .slug = "mmu_update.frame.writable.value_stored",
    .rule = "In a frame that is no page table an update stores its value, whatever that is.",
    .source = "public/xen.h, MMU_NORMAL_PT_UPDATE",
    .requirements = {"MMU-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const uint64_t nonsense = ~uint64_t{0};
          c.check_eq(ops.set_entry(page.frame, 0, nonsense), 0, "first word");
          c.check_eq(ops.set_entry(page.frame, 511, 0x1234567), 0, "last word");
          c.check_eq(entry_at(c.vcpu(), page, 0), nonsense, "first word");
          c.check_eq(entry_at(c.vcpu(), page, 1), 0u, "its neighbour");
          c.check_eq(entry_at(c.vcpu(), page, 511), 0x1234567u, "last word");
          c.check_eq(remap(c.vcpu(), page, 0), 0, "unmapping");
          c.check_eq(ops.set_entry(page.frame, 0, 5), 0, "a frame that nothing maps");
        },
}};

const Case kForeignFrame{{
    .slug = "mmu_update.frame.not_owned.einval",
    .rule = "A frame that the domain does not own gives EINVAL, and its content stays.",
    .source = "public/xen.h, MMU_NORMAL_PT_UPDATE",
    .requirements = {"MMU-008"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page theirs = heap_page(c.peer().vcpu(0));
          c.check_eq(ops.set_entry(theirs.frame, 0, 5), -XEN_EINVAL, "another domain's frame");
          c.check_eq(entry_at(c.peer().vcpu(0), theirs, 0), 0u, "its content");
          c.check_eq(ops.set_entry(Gfn{0xff'ffff'ffff}, 0, 5), -XEN_EINVAL, "a frame that does not exist");
        },
}};

const Case kDescriptorFrame{{
    .slug = "mmu_update.frame.descriptor_table.einval",
    .rule = "A frame in use as a descriptor table gives EINVAL, and its content stays.",
    .source = "public/xen.h, MMU_NORMAL_PT_UPDATE",
    .requirements = {"MMU-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = descriptor_page(c);
          c.check_eq(ops.set_entry(page.frame, 0, 5), -XEN_EINVAL, "update");
          c.check_eq(entry_at(c.vcpu(), page, 0), 0u, "its content");
        },
}};

const Case kEveryLevel{{
    .slug = "mmu_update.frame.table_of_each_level.entry_checked_and_held",
    .rule = "In a page table the new entry is checked for its level and holds what it names until it is replaced.",
    .source = "public/xen.h, MMU_NORMAL_PT_UPDATE",
    .method = "For each level n: put a table of level n-1 (a page at level 1) into a pinned table of level n. While it "
              "is there it cannot be written; the same entry one level off is refused.",
    .requirements = {"MMU-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          Page below = heap_page(c.vcpu());
          for (unsigned level = 1; level <= 4; ++level) {
            const std::string at = "level " + std::to_string(level);
            const Page table = table_page(c.vcpu());
            c.require_eq(ops.pin(level, table.frame), 0, at + ": pin");
            const uint64_t entry = make_entry(below.frame, level == 1 ? kLeafRo : kBranch);
            c.check_eq(ops.set_entry(table.frame, 3, entry), 0, at + ": new entry");
            c.check_eq(frame_of_entry(entry_at(c.vcpu(), table, 3)), below.frame, at + ": the entry names the frame");
            const Page other = table_page(c.vcpu());
            c.check_eq(ops.pin(level == 4 ? 1 : level + 1, other.frame), 0, at + ": pin of an unrelated table");
            if (level > 1) {
              c.check_ne(remap(c.vcpu(), below, kLeafRw), 0, at + ": writing the table that is in use");
              c.check_ne(ops.set_entry(table.frame, 4, make_entry(other.frame, kBranch)), 0, at + ": a wrong level");
              c.check_eq(entry_at(c.vcpu(), table, 4), 0u, at + ": the entry that was refused");
            }
            below = table;
          }
        },
}};

const Case kReplacedTable{{
    .slug = "mmu_update.entry.replaced.old_table_released",
    .rule = "Replacing an entry above level 1 drops what the old one held: the table is an ordinary page again.",
    .source = "public/xen.h, MMU_NORMAL_PT_UPDATE",
    .requirements = {"MMU-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 2; level <= 4; ++level) {
            const std::string at = "level " + std::to_string(level);
            const Page first = table_page(c.vcpu());
            const Page second = table_page(c.vcpu());
            const Page table = table_page(c.vcpu(), {{0, make_entry(first.frame, kBranch)}});
            c.require_eq(ops.pin(level, table.frame), 0, at + ": pin");
            c.check_ne(remap(c.vcpu(), first, kLeafRw), 0, at + ": the table is in use");
            c.check_eq(ops.set_entry(table.frame, 0, make_entry(second.frame, kBranch)), 0, at + ": replace");
            c.check_eq(remap(c.vcpu(), first, kLeafRw), 0, at + ": the old table is free");
            c.check_ne(remap(c.vcpu(), second, kLeafRw), 0, at + ": the new table is in use");
            c.check_eq(ops.set_entry(table.frame, 0, 0), 0, at + ": clear");
            c.check_eq(remap(c.vcpu(), second, kLeafRw), 0, at + ": the new table is free");
          }
        },
}};

const Case kPreserveAd{{
    .slug = "mmu_update.preserve_ad.accessed_and_dirty.kept",
    .rule = "MMU_PT_UPDATE_PRESERVE_AD keeps accessed and dirty bits that are set; a normal update replaces them.",
    .source = "public/xen.h, MMU_PT_UPDATE_PRESERVE_AD",
    .requirements = {"MMU-009"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          constexpr uint64_t kBits = kPteAccessed | kPteDirty;
          const Page page = heap_page(c.vcpu());
          const uint64_t clean = make_entry(page.frame, kPtePresent | kPteWritable);
          const Page table = table_page(c.vcpu(), {{0, clean | kBits}});
          c.require_eq(ops.pin(1, table.frame), 0, "pin");
          c.check_eq(ops.set_entry(table.frame, 0, clean, MMU_PT_UPDATE_PRESERVE_AD), 0, "update that preserves");
          c.check_eq(entry_at(c.vcpu(), table, 0) & kBits, kBits, "the bits after it");
          c.check_eq(ops.set_entry(table.frame, 0, clean), 0, "normal update");
          c.check_eq(entry_at(c.vcpu(), table, 0) & kBits, 0u, "the bits after it");
          c.check_eq(ops.set_entry(table.frame, 0, clean | kPteDirty, MMU_PT_UPDATE_PRESERVE_AD), 0, "set one");
          c.check_eq(entry_at(c.vcpu(), table, 0) & kBits, kPteDirty, "bits that the caller sets are set");
        },
}};

}  // namespace
}  // namespace assay
