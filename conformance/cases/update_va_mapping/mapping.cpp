#include <span>
#include <string>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

const Case kNoTable{{
    .slug = "update_va_mapping.address.no_l1_table.einval",
    .rule = "Where no level 1 table is, there is no entry to change: EINVAL.",
    .source = "xen/arch/x86/mm.c, __do_update_va_mapping",
    .requirements = {"UVA-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const uint64_t entry = make_entry(heap_page(c.vcpu()).frame, kLeafRw);
          for (const uint64_t va : {uint64_t{0x7000'0000'0000}, uint64_t{0}, uint64_t{0x8000'0000'0000},
                                    uint64_t{0xffff'8000'0000'0000}, uint64_t{0xffff'8300'0000'0000}}) {
            for (const uint64_t flags : {UVMF_NONE, UVMF_TLB_FLUSH | UVMF_ALL}) {
              c.check_eq(ops.update_va(Gva{va}, entry, flags), -XEN_EINVAL, "address " + show(va));
              c.check_eq(ops.update_va(Gva{va}, 0, flags), -XEN_EINVAL, "no mapping, address " + show(va));
            }
          }
        },
}};

const Case kNoTableNoFlush{{
    .slug = "update_va_mapping.address.no_l1_table.bitmap_not_read",
    .rule = "An update that fails flushes nothing: the vCPU bitmap is not even read.",
    .source = "xen/arch/x86/mm.c, __do_update_va_mapping",
    .method = "Both the address and the bitmap are bad: the error is that of the address.",
    .requirements = {"UVA-001"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          constexpr uint64_t kNowhere = 0x7000'0000'0000;
          c.check_eq(ops.update_va(Gva{kNowhere}, 0, UVMF_TLB_FLUSH | (kNowhere + 0x1000)), -XEN_EINVAL, "result");
        },
}};

const Case kRules{{
    .slug = "update_va_mapping.entry.rules_of_level_1",
    .rule = "The new entry is held to the rules that mmu_update has for level 1, with the same errors.",
    .source = "public/xen.h, update_va_mapping",
    .requirements = {"UVA-002"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const Page other = heap_page(c.vcpu());
          const Page pinned = table_page(c.vcpu());
          c.require_eq(ops.pin(1, pinned.frame), 0, "set-up: a page table");
          const Page table = leaf_table(c.guest(), page.va);
          const auto index = static_cast<unsigned>(page.va.raw() >> kPageShift) % kEntries;
          const uint64_t before = entry_at(c.vcpu(), table, index);
          const Gfn theirs = heap_page(c.peer().vcpu(0)).frame;
          const auto refused = [&](uint64_t entry, int64_t error, std::string_view what) {
            c.check_eq(ops.update_va(page.va, entry, UVMF_INVLPG), error, what);
            c.check_eq(ops.set_entry(table.frame, index, entry), error, "mmu_update, " + std::string(what));
            c.check_eq(entry_at(c.vcpu(), table, index) & ~kPteAccessed & ~kPteDirty,
                       before & ~kPteAccessed & ~kPteDirty, "the entry");
          };
          refused(make_entry(other.frame, kLeafRw | kPteCacheDisable), -XEN_EINVAL, "a flag that is not allowed");
          refused(make_entry(pinned.frame, kLeafRw), -XEN_EBUSY, "a page table, writable");
          refused(make_entry(theirs, kLeafRo), -XEN_EBUSY, "another domain's page");
          refused(make_entry(Gfn{0xa0}, kLeafRo), -XEN_EPERM, "no RAM");
          c.check_eq(ops.update_va(page.va, make_entry(pinned.frame, kLeafRo), UVMF_INVLPG), 0, "a table, read-only");
          c.check_eq(frame_of_entry(entry_at(c.vcpu(), table, index)), pinned.frame, "the entry");
        },
}};

const Case kReferences{{
    .slug = "update_va_mapping.entry.replaced.references_dropped",
    .rule = "The entry that is replaced lets go of its page, and the new one holds its own.",
    .source = "public/xen.h, update_va_mapping",
    .requirements = {"UVA-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const Page other = table_page(c.vcpu());
          c.check_eq(ops.update_va(page.va, make_entry(other.frame, kLeafRw), UVMF_INVLPG), 0, "the other page");
          c.check_ne(ops.pin(1, other.frame), 0, "it is held writable");
          c.check_eq(ops.pin(1, page.frame), 0, "the old one is held no more");
          c.check_eq(ops.unpin(page.frame), 0, "unpin");
          c.check_eq(ops.update_va(page.va, make_entry(page.frame, kLeafRw), UVMF_INVLPG), 0, "back");
          c.check_eq(ops.pin(1, other.frame), 0, "now the other one is free");
        },
}};

const Case kNotPresent{{
    .slug = "update_va_mapping.entry.not_present.access_faults",
    .rule = "Without a present entry an access faults, with the address that was used.",
    .source = "public/xen.h, update_va_mapping",
    .requirements = {"UVA-004"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kPageFault = 14;
          MmuOps ops(c.vcpu());
          const Page page = heap_page(c.vcpu());
          c.vcpu().write(page.va + 16, uint64_t{5});
          c.check_eq(ops.update_va(page.va, 0, UVMF_INVLPG), 0, "unmapping");
          uint64_t word = 0;
          const auto fault = c.vcpu().read_bytes(page.va + 16, std::as_writable_bytes(std::span(&word, 1)));
          c.require(fault.has_value(), "a read faults");
          c.check_eq(fault->vector, kPageFault, "vector");
          c.check_eq(fault->address, (page.va + 16).raw(), "address");
          c.check_eq(ops.update_va(page.va, make_entry(page.frame, kLeafRw), UVMF_NONE), 0, "mapping it again");
          c.check_eq(c.vcpu().read<uint64_t>(page.va + 16), 5u, "the content was kept");
        },
}};

}  // namespace
}  // namespace assay
