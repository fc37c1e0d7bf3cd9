/// What a level 1 entry may say, and what it holds.
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/descriptor_page.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

/// A pinned, empty level 1 table.
Page pinned_leaf_table(CaseContext& c, MmuOps& ops) {
  const Page table = table_page(c.vcpu());
  c.require_eq(ops.pin(1, table.frame), 0, "set-up: pin of a level 1 table");
  return table;
}

const Case kFlags{{
    .slug = "mmu_update.l1.cache_attributes.einval",
    .rule = "A domain without rights to I/O memory sets no cache attributes: PWT, PCD and PAT give EINVAL.",
    .source = "xen/arch/x86/mm.c, L1_DISALLOW_MASK",
    .requirements = {"MMU-L1-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const uint64_t good = make_entry(heap_page(c.vcpu()).frame, kLeafRw);
          for (const uint64_t flag : {kPteWriteThrough, kPteCacheDisable, kPteLarge}) {
            c.check_eq(ops.set_entry(table.frame, 0, good | flag), -XEN_EINVAL, "flag " + show(flag));
            c.check_eq(entry_at(c.vcpu(), table, 0), 0u, "the entry");
          }
          for (const uint64_t flag : {kPteAvailable, kPteNoExecute, kPteGlobal, kPteUser}) {
            c.check_eq(ops.set_entry(table.frame, 0, good | flag), 0, "flag " + show(flag));
          }
        },
}};

const Case kFlagOnHeldEntry{{
    .slug = "mmu_update.l1.cache_attributes_on_present_entry.einval",
    .rule = "A flag that is not allowed is refused too when nothing else of the entry changes; the entry stays.",
    .source = "xen/arch/x86/mm.c, mod_l1_entry",
    .requirements = {"MMU-L1-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const uint64_t good = make_entry(heap_page(c.vcpu()).frame, kLeafRw);
          c.require_eq(ops.set_entry(table.frame, 0, good), 0, "set-up: an entry");
          const uint64_t before = entry_at(c.vcpu(), table, 0);
          c.check_eq(ops.set_entry(table.frame, 0, before | kPteCacheDisable), -XEN_EINVAL, "PCD added");
          c.check_eq(entry_at(c.vcpu(), table, 0), before, "the entry");
        },
}};

const Case kNotOurs{{
    .slug = "mmu_update.l1.frame_not_owned.refused",
    .rule = "Mapping RAM of another domain gives EBUSY, mapping what is no RAM EPERM; the entry stays.",
    .source = "xen/arch/x86/mm.c, get_page_from_l1e",
    .requirements = {"MMU-L1-002"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const Gfn theirs = heap_page(c.peer().vcpu(0)).frame;
          constexpr Gfn kVideoMemory{0xa0};
          for (const uint64_t flags : {kLeafRo, kLeafRw}) {
            c.check_eq(ops.set_entry(table.frame, 0, make_entry(theirs, flags)), -XEN_EBUSY, "another domain's RAM");
            c.check_eq(ops.set_entry(table.frame, 0, make_entry(kVideoMemory, flags)), -XEN_EPERM, "no RAM");
          }
          c.check_eq(entry_at(c.vcpu(), table, 0), 0u, "the entry");
        },
}};

const Case kPageTable{{
    .slug = "mmu_update.l1.writable_page_table.ebusy",
    .rule = "A page table of any level is never mapped writable: EBUSY; read-only it may be mapped.",
    .source = "xen/arch/x86/mm.c, get_page_from_l1e",
    .requirements = {"MMU-L1-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          for (unsigned level = 1; level <= 4; ++level) {
            const std::string what = "a table of level " + std::to_string(level);
            const Page target = table_page(c.vcpu());
            c.require_eq(ops.pin(level, target.frame), 0, "set-up: pin of " + what);
            c.check_eq(ops.set_entry(table.frame, level, make_entry(target.frame, kLeafRw)), -XEN_EBUSY,
                       what + ", writable");
            c.check_eq(entry_at(c.vcpu(), table, level), 0u, what + ": the entry");
            c.check_eq(ops.set_entry(table.frame, level, make_entry(target.frame, kLeafRo)), 0, what + ", read-only");
          }
        },
}};

const Case kDescriptorTable{{
    .slug = "mmu_update.l1.writable_descriptor_table.ebusy",
    .rule = "A descriptor table is never mapped writable: EBUSY; read-only it may be mapped.",
    .source = "xen/arch/x86/mm.c, get_page_from_l1e",
    .requirements = {"MMU-L1-003", "MMU-TYPE-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const Page target = descriptor_page(c);
          c.check_eq(ops.set_entry(table.frame, 0, make_entry(target.frame, kLeafRw)), -XEN_EBUSY, "writable");
          c.check_eq(entry_at(c.vcpu(), table, 0), 0u, "the entry");
          c.check_eq(ops.set_entry(table.frame, 0, make_entry(target.frame, kLeafRo)), 0, "read-only");
          c.check_ne(ops.pin(1, target.frame), 0, "as a page table");
        },
}};

const Case kNotPresent{{
    .slug = "mmu_update.l1.not_present.any_value_kept",
    .rule = "An entry that is not present may hold any value, and is read back as it was written.",
    .source = "xen/arch/x86/mm.c, mod_l1_entry",
    .requirements = {"MMU-L1-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const Page page = heap_page(c.vcpu());
          for (const uint64_t value : {uint64_t{0xfff0'1234'5678'0ffe}, make_entry(page.frame, kLeafRw & ~kPtePresent),
                                       make_entry(table.frame, kPteWritable), uint64_t{0}}) {
            c.check_eq(ops.set_entry(table.frame, 0, value), 0, "value " + show(value));
            c.check_eq(entry_at(c.vcpu(), table, 0), value, "the entry");
          }
          c.check_eq(ops.unpin(table.frame), 0, "unpin");
        },
}};

const Case kReplaced{{
    .slug = "mmu_update.l1.replaced.references_dropped",
    .rule = "Replacing an entry drops what the old one held: a page that is mapped writable nowhere may be a table.",
    .source = "xen/arch/x86/mm.c, mod_l1_entry",
    .method =
        "A page mapped writable by one entry of a table of ours cannot be pinned; then the entry goes, by each way "
        "there is: another page, read-only, not present.",
    .requirements = {"MMU-L1-005"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const Page target = table_page(c.vcpu());
          const uint64_t writable = make_entry(target.frame, kLeafRw);
          const uint64_t other = make_entry(heap_page(c.vcpu()).frame, kLeafRw);
          for (const uint64_t next : {other, make_entry(target.frame, kLeafRo), uint64_t{0}}) {
            c.check_eq(ops.set_entry(table.frame, 0, writable), 0, "mapped writable");
            c.check_ne(ops.pin(1, target.frame), 0, "pin while it is mapped writable");
            c.check_eq(ops.set_entry(table.frame, 0, next), 0, "replaced by " + show(next));
            c.check_eq(ops.pin(1, target.frame), 0, "pin afterwards");
            c.check_eq(ops.unpin(target.frame), 0, "unpin");
          }
        },
}};

const Case kRefusedKeepsOld{{
    .slug = "mmu_update.l1.refused.old_entry_held",
    .rule = "A refused update leaves the old entry and what it holds as they were.",
    .source = "xen/arch/x86/mm.c, mod_l1_entry",
    .requirements = {"MMU-L1-005", "MMU-L1-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const Page target = table_page(c.vcpu());
          c.require_eq(ops.set_entry(table.frame, 0, make_entry(target.frame, kLeafRw)), 0, "set-up: an entry");
          const uint64_t before = entry_at(c.vcpu(), table, 0);
          c.check_eq(ops.set_entry(table.frame, 0, make_entry(table.frame, kLeafRw)), -XEN_EBUSY, "a bad update");
          c.check_eq(entry_at(c.vcpu(), table, 0), before, "the entry");
          c.check_ne(ops.pin(1, target.frame), 0, "its page is still held writable");
          c.check_eq(ops.set_entry(table.frame, 0, 0), 0, "removing it");
          c.check_eq(ops.pin(1, target.frame), 0, "its page is free");
        },
}};

const Case kSoftBits{{
    .slug = "mmu_update.l1.soft_bits.references_unchanged",
    .rule =
        "Changing only bits that are the guest's or the processor's succeeds and leaves what the entry holds as is.",
    .source = "xen/arch/x86/mm.c, mod_l1_entry",
    .method = "After many such changes one removal is enough to make the page free, and none before it.",
    .requirements = {"MMU-L1-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const Page target = table_page(c.vcpu());
          const uint64_t plain = make_entry(target.frame, kPtePresent | kPteWritable | kPteUser);
          c.require_eq(ops.set_entry(table.frame, 0, plain), 0, "set-up: an entry");
          for (const uint64_t bits :
               {kPteAccessed, kPteDirty, kPteAccessed | kPteDirty, kPteAvailable, kPteNoExecute, uint64_t{0}}) {
            c.check_eq(ops.set_entry(table.frame, 0, plain | bits), 0, "bits " + show(bits));
            c.check_eq(entry_at(c.vcpu(), table, 0) & ~kPteGlobal, plain | bits, "the entry");
          }
          c.check_ne(ops.pin(1, target.frame), 0, "pin while it is mapped writable");
          c.check_eq(ops.set_entry(table.frame, 0, 0), 0, "removing the entry");
          c.check_eq(ops.pin(1, target.frame), 0, "pin afterwards");
        },
}};

const Case kMadeWritable{{
    .slug = "mmu_update.l1.made_writable.checked",
    .rule = "Making a read-only entry writable is checked as a new entry is: refused for a page table, and otherwise "
            "counted as a writable mapping.",
    .source = "xen/arch/x86/mm.c, mod_l1_entry",
    .requirements = {"MMU-L1-007"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const Page target = table_page(c.vcpu());
          c.require_eq(ops.set_entry(table.frame, 0, make_entry(target.frame, kLeafRo)), 0, "set-up: read-only");
          const uint64_t read_only = entry_at(c.vcpu(), table, 0);
          c.require_eq(ops.pin(1, target.frame), 0, "set-up: its page is a table");
          for (const unsigned command : Commands{MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_PRESERVE_AD}) {
            c.check_eq(ops.set_entry(table.frame, 0, read_only | kPteWritable, command), -XEN_EBUSY, "made writable");
            c.check_eq(entry_at(c.vcpu(), table, 0), read_only, "the entry");
          }
          c.check_eq(ops.unpin(target.frame), 0, "unpin");
          c.check_eq(ops.set_entry(table.frame, 0, read_only | kPteWritable), 0, "made writable again");
          c.check_ne(ops.pin(1, target.frame), 0, "now it is held writable");
        },
}};

const Case kUserBit{{
    .slug = "mmu_update.l1.kernel_entry.user_bit_forced",
    .rule = "A guest's kernel runs in ring 3: every stored entry has the user bit, and kernel pages are told apart by "
            "not being global.",
    .source = "xen/arch/x86/pv/mm.h, adjust_guest_l1e",
    .requirements = {"MMU-L1-008"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = pinned_leaf_table(c, ops);
          const Page page = heap_page(c.vcpu());
          c.require_eq(ops.set_entry(table.frame, 0, make_entry(page.frame, kLeafRw)), 0, "set-up: a kernel entry");
          c.require_eq(ops.set_entry(table.frame, 1, make_entry(page.frame, kLeafRw | kPteUser)), 0, "a user entry");
          const uint64_t kernel = entry_at(c.vcpu(), table, 0);
          const uint64_t user = entry_at(c.vcpu(), table, 1);
          c.check_eq(kernel & kPteUser, kPteUser, "user bit of the kernel entry");
          c.check_eq(user & kPteUser, kPteUser, "user bit of the user entry");
          c.check_eq(kernel & kPteGlobal, 0u, "global bit of the kernel entry");
          c.check_eq(user & kPteGlobal, kPteGlobal, "global bit of the user entry");
          c.check_eq(kernel & kPteFrame, user & kPteFrame, "both name the page");
          c.check_ne(kernel & ~kPteGlobal, user & ~kPteGlobal, "a software bit tells them apart");
        },
}};

}  // namespace
}  // namespace assay
