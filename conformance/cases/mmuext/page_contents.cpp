/// MMUEXT_CLEAR_PAGE and MMUEXT_COPY_PAGE, and MMUEXT_SET_LDT.
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/descriptor_page.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

const Case kClear{{
    .slug = "mmuext_op.clear_page.writable_frame.zeroed",
    .rule = "MMUEXT_CLEAR_PAGE fills a frame with zeroes, from the first byte to the last, and no other.",
    .source = "public/xen.h, MMUEXT_CLEAR_PAGE",
    .requirements = {"MMUEXT-014"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page before = heap_page(c.vcpu());
          const Page page = heap_page(c.vcpu());
          const Page behind = heap_page(c.vcpu());
          for (const Page& filled : {before, page, behind}) c.vcpu().fill(filled.va, kPageSize, 0x5a);
          c.check_eq(ops.ext(MMUEXT_CLEAR_PAGE, page.frame.raw()), 0, "clear");
          std::vector<std::byte> bytes(kPageSize);
          c.require(!c.vcpu().read_bytes(page.va, bytes), "reading");
          c.check(bytes == std::vector<std::byte>(kPageSize), "every byte is zero");
          for (const Page& other : {before, behind}) {
            for (const unsigned index : {0u, 511u}) {
              c.check_eq(entry_at(c.vcpu(), other, index), 0x5a5a5a5a5a5a5a5au, "a neighbour");
            }
          }
        },
}};

const Case kCopy{{
    .slug = "mmuext_op.copy_page.readable_source.copied",
    .rule = "MMUEXT_COPY_PAGE copies a whole frame; the source need not be writable, so a page table will do.",
    .source = "public/xen.h, MMUEXT_COPY_PAGE",
    .requirements = {"MMUEXT-014"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page to = heap_page(c.vcpu());
          const Page table = table_page(c.vcpu(), {{0, 0x1000}, {511, 0x2000}});
          c.require_eq(ops.pin(1, table.frame), 0, "set-up: a page table");
          c.vcpu().fill(to.va, kPageSize, 0x5a);
          c.check_eq(ops.ext(MMUEXT_COPY_PAGE, to.frame.raw(), table.frame.raw()), 0, "copy");
          c.check_eq(entry_at(c.vcpu(), to, 0), 0x1000u, "first word");
          c.check_eq(entry_at(c.vcpu(), to, 1), 0u, "second word");
          c.check_eq(entry_at(c.vcpu(), to, 511), 0x2000u, "last word");
          c.check_eq(entry_at(c.vcpu(), table, 511), 0x2000u, "the source");
          c.check_eq(ops.ext(MMUEXT_COPY_PAGE, to.frame.raw(), to.frame.raw()), 0, "onto itself");
          c.check_eq(entry_at(c.vcpu(), to, 511), 0x2000u, "last word afterwards");
        },
}};

const Case kNotWritable{{
    .slug = "mmuext_op.clear_and_copy.frame_unusable.einval",
    .rule = "The frame that is cleared or copied to must be the domain's and neither page table nor descriptor table: "
            "EINVAL, and its content stays. So must the source be the domain's.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-014", "MMU-TYPE-001"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page ours = heap_page(c.vcpu());
          c.vcpu().write(ours.va, uint64_t{5});
          const Page table = table_page(c.vcpu(), {{0, 0x1000}});
          c.require_eq(ops.pin(1, table.frame), 0, "set-up: a page table");
          const Page descriptors = descriptor_page(c);
          const Page theirs = heap_page(c.peer().vcpu(0));
          c.peer().vcpu(0).write(theirs.va, uint64_t{6});
          for (const Gfn frame : {table.frame, descriptors.frame, theirs.frame, Gfn{0xff'ffff'ffff}}) {
            c.check_eq(ops.ext(MMUEXT_CLEAR_PAGE, frame.raw()), -XEN_EINVAL, "clear of " + show(frame.raw()));
            c.check_eq(ops.ext(MMUEXT_COPY_PAGE, frame.raw(), ours.frame.raw()), -XEN_EINVAL, "copy to it");
          }
          for (const Gfn frame : {theirs.frame, Gfn{0xff'ffff'ffff}}) {
            c.check_eq(ops.ext(MMUEXT_COPY_PAGE, ours.frame.raw(), frame.raw()), -XEN_EINVAL, "copy from it");
          }
          c.check_eq(entry_at(c.vcpu(), table, 0), 0x1000u, "the page table");
          c.check_eq(entry_at(c.vcpu(), descriptors, 0), 0u, "the descriptor table");
          c.check_eq(entry_at(c.peer().vcpu(0), theirs, 0), 6u, "the peer's page");
          c.check_eq(entry_at(c.vcpu(), ours, 0), 5u, "our page");
        },
}};

const Case kReferences{{
    .slug = "mmuext_op.clear_and_copy.afterwards.nothing_held",
    .rule = "Clearing and copying hold the frames only meanwhile: afterwards either may become a page table.",
    .source = "xen/arch/x86/mm.c, do_mmuext_op",
    .requirements = {"MMUEXT-014"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page from = table_page(c.vcpu());
          const Page to = table_page(c.vcpu());
          c.check_eq(ops.ext(MMUEXT_COPY_PAGE, to.frame.raw(), from.frame.raw()), 0, "copy");
          c.check_eq(ops.ext(MMUEXT_CLEAR_PAGE, to.frame.raw()), 0, "clear");
          c.check_eq(ops.pin(1, from.frame), 0, "pin of the source");
          c.check_eq(ops.pin(2, to.frame), 0, "pin of the destination");
        },
}};

const Case kLdt{{
    .slug = "mmuext_op.set_ldt.base_and_count.checked",
    .rule =
        "MMUEXT_SET_LDT wants a page-aligned address of the guest's own and at most 8192 entries, else EINVAL; with no "
        "entries there is no LDT, whatever the address.",
    .source = "public/xen.h, MMUEXT_SET_LDT",
    .requirements = {"MMUEXT-012"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const uint64_t base = heap_page(c.vcpu()).va.raw();
          constexpr uint64_t kXens = 0xffff'8300'0000'0000;
          constexpr uint64_t kNonCanonical = 0x8000'0000'0000;
          c.check_eq(ops.ext(MMUEXT_SET_LDT, base, 8192), 0, "the most entries");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, base, 8193), -XEN_EINVAL, "one more");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, base, 0x1'0000'0001), 0, "only the low 32 bits of the count are there");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, base + 8, 1), -XEN_EINVAL, "not page-aligned");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, kXens, 1), -XEN_EINVAL, "the hypervisor's memory");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, kNonCanonical, 1), -XEN_EINVAL, "not canonical");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, 0x7000'0000'0000, 1), 0, "where nothing is: looked at on first use");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, 0, 0), 0, "none");
        },
}};

const Case kLdtLazy{{
    .slug = "mmuext_op.set_ldt.bad_page.accepted_and_unheld",
    .rule = "The pages of an LDT are looked at when a selector is used, not by the hypercall: a page that can hold no "
            "descriptors is accepted, and no page is held by it.",
    .source = "public/xen.h, MMUEXT_SET_LDT",
    .method = "A page table and a page full of call gates for ring 0 are set as LDT; afterwards both can still be what "
              "they like.",
    .requirements = {"MMUEXT-013"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          MmuOps ops(c.vcpu());
          const Page table = table_page(c.vcpu());
          c.require_eq(ops.pin(1, table.frame), 0, "set-up: a page table");
          const Page page = heap_page(c.vcpu());
          c.vcpu().fill(page.va, kPageSize, 0x8c);
          c.check_eq(ops.ext(MMUEXT_SET_LDT, table.va.raw(), 512), 0, "a page table");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, page.va.raw(), 512), 0, "a page of nonsense");
          c.check_eq(remap(c.vcpu(), page, kLeafRo), 0, "read-only");
          c.check_eq(remap(c.vcpu(), page, kLeafRw), 0, "writable");
          c.check_eq(ops.unpin(table.frame), 0, "unpin of the table");
          c.check_eq(remap(c.vcpu(), table, kLeafRw), 0, "it is an ordinary page");
          c.check_eq(ops.ext(MMUEXT_SET_LDT, 0, 0), 0, "none");
        },
}};

}  // namespace
}  // namespace assay
