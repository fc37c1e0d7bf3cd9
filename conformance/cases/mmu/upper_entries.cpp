/// What an entry of level 2 to 4 may say.
#include <string>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

const Case kNextLevel{{
    .slug = "mmu_update.upper_entry.not_next_level.refused",
    .rule = "An entry of level n names a table of level n-1 of the same domain, and nothing else.",
    .source = "xen/arch/x86/mm.c, get_page_from_l2e",
    .requirements = {"MMU-TYPE-008"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          std::vector<Page> tables{heap_page(c.vcpu())};  // [level]; [0] is an ordinary page
          for (unsigned level = 1; level <= 4; ++level) {
            tables.push_back(table_page(c.vcpu()));
            c.require_eq(ops.pin(level, tables[level].frame), 0, "set-up: pin");
          }
          const Page theirs = table_page(c.peer().vcpu(0));
          for (unsigned level = 2; level <= 4; ++level) {
            const Gfn table = tables[level].frame;
            const std::string at = "level " + std::to_string(level) + " names ";
            for (unsigned target = 0; target <= 4; ++target) {
              if (target == level - 1 || target == level) continue;
              c.check_eq(ops.set_entry(table, 7, make_entry(tables[target].frame, kBranch)), -XEN_EINVAL,
                         at + std::to_string(target));
            }
            c.check_eq(ops.set_entry(table, 7, make_entry(theirs.frame, kBranch)), -XEN_EINVAL, at + "the peer's page");
            c.check_eq(ops.set_entry(table, 7, make_entry(Gfn{0xff'ffff'ff}, kBranch)), -XEN_EINVAL, at + "no frame");
            c.check_eq(entry_at(c.vcpu(), tables[level], 7), 0u, at + "nothing afterwards");
            c.check_eq(ops.set_entry(table, 7, make_entry(tables[level - 1].frame, kBranch)), 0, at + "the next level");
          }
        },
}};

const Case kLargePages{{
    .slug = "mmu_update.upper_entry.large_page.einval",
    .rule = "Large pages are not for guests: an entry with PSE gives EINVAL at levels 2 to 4.",
    .source = "xen/arch/x86/mm.c, L2_DISALLOW_MASK",
    .requirements = {"MMU-TYPE-009"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          for (unsigned level = 2; level <= 4; ++level) {
            const std::string at = "level " + std::to_string(level);
            const Page below = table_page(c.vcpu());
            const Page table = table_page(c.vcpu());
            c.require_eq(ops.pin(level, table.frame), 0, "set-up: pin");
            const uint64_t good = make_entry(below.frame, kBranch);
            for (const uint64_t flag : {kPteLarge, kPteWriteThrough, kPteCacheDisable}) {
              c.check_eq(ops.set_entry(table.frame, 0, good | flag), -XEN_EINVAL, at + ", flag " + show(flag));
            }
            c.check_eq(entry_at(c.vcpu(), table, 0), 0u, at + ": the entry");
            c.check_eq(ops.set_entry(table.frame, 0, good), 0, at + ": without the flag");
            c.check_eq(ops.set_entry(table.frame, 0, good | kPteLarge), -XEN_EINVAL, at + ": on a present entry");
          }
        },
}};

const Case kLargePagePinned{{
    .slug = "mmuext_op.pin.large_page_entry.einval",
    .rule = "A table with a large-page entry cannot be pinned: EINVAL.",
    .source = "xen/arch/x86/mm.c, L2_DISALLOW_MASK",
    .requirements = {"MMU-TYPE-009", "MMUEXT-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page below = table_page(c.vcpu());
          const Page table = table_page(c.vcpu(), {{0, make_entry(below.frame, kBranch | kPteLarge)}});
          c.check_eq(ops.pin(2, table.frame), -XEN_EINVAL, "pin");
          c.check_eq(remap(c.vcpu(), table, kLeafRw), 0, "it may be written");
        },
}};

const Case kXenSlots{{
    .slug = "mmu_update.l4.hypervisor_slot.einval",
    .rule = "L4 slots 256 to 271 are the hypervisor's: an update there gives EINVAL, and its neighbours are free.",
    .source = "public/arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START",
    .requirements = {"MMU-TYPE-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page l3 = table_page(c.vcpu());
          const Page l4 = table_page(c.vcpu());
          c.require_eq(ops.pin(4, l4.frame), 0, "set-up: pin");
          const uint64_t entry = make_entry(l3.frame, kBranch);
          for (const unsigned slot : {kXenSlotFirst, kXenSlotFirst + 5, kXenSlotLast}) {
            const uint64_t before = entry_at(c.vcpu(), l4, slot);
            c.check_eq(ops.set_entry(l4.frame, slot, entry), -XEN_EINVAL, "slot " + std::to_string(slot));
            c.check_eq(ops.set_entry(l4.frame, slot, 0), -XEN_EINVAL, "clearing slot " + std::to_string(slot));
            c.check_eq(entry_at(c.vcpu(), l4, slot), before, "the slot");
          }
          for (const unsigned slot : {0u, kXenSlotFirst - 1, kXenSlotLast + 1, 511u}) {
            c.check_eq(ops.set_entry(l4.frame, slot, entry), 0, "slot " + std::to_string(slot));
          }
        },
}};

const Case kXenSlotsFilled{{
    .slug = "mmuext_op.pin.l4_hypervisor_slots.garbage_replaced",
    .rule = "What a guest left in the hypervisor's L4 slots does not matter: once the table is an L4 it is gone.",
    .source = "public/arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START",
    .requirements = {"MMU-TYPE-010"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const uint64_t garbage = make_entry(heap_page(c.vcpu()).frame, kBranch);
          const Page l4 = table_page(c.vcpu(), {{kXenSlotFirst, garbage}, {kXenSlotFirst + 3, garbage}});
          c.check_eq(ops.pin(4, l4.frame), 0, "pin");
          constexpr uint64_t kMeaning = kPteFrame | kPtePresent;
          c.check_ne(entry_at(c.vcpu(), l4, kXenSlotFirst) & kMeaning, garbage & kMeaning, "the slot");
          c.check_ne(entry_at(c.vcpu(), l4, kXenSlotFirst + 3) & kMeaning, garbage & kMeaning, "another slot");
        },
}};

}  // namespace
}  // namespace assay
