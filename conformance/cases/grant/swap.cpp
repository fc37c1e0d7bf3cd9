/// GNTTABOP_swap_grant_ref.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;
constexpr GrantRef kOther{300};

const Case kSwaps{{
    .slug = "grant.swap.success.contents_exchanged",
    .rule = "swap exchanges the contents of two entries: the grant is found under the other reference.",
    .source = "public/grant_table.h, GNTTABOP_swap_grant_ref",
    .requirements = {"GNT-SWAP-004"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          pair.table.put(kOther, entry_v1(GTF_readonly, kDomAbsent, 99));
          GrantOps theirs(pair.granter);
          check_status(c, theirs.swap(kRef, kOther), GNTST_okay, "swapping");
          c.check_eq(pair.table.v1(kRef).flags, GTF_readonly, "flags of the first");
          c.check_eq(pair.table.v1(kRef).domid, kDomAbsent.raw(), "domain of the first");
          c.check_eq(pair.table.v1(kRef).frame, 99u, "frame of the first");
          c.check_eq(pair.table.v1(kOther).flags, GTF_permit_access, "flags of the second");
          c.check_eq(pair.table.v1(kOther).domid, pair.to().raw(), "domain of the second");
          const GrantWindow at = pair.window();
          check_status(c, pair.ops.map(pair.request(at.host_addr)), GNTST_general_error,
                       "mapping by the old reference");
          const auto handle =
              must_map(c, pair.ops, {.host_addr = at.host_addr, .ref = kOther, .dom = pair.table.dom()});
          c.check_eq(pair.mapper.read<uint64_t>(at.va), GrantPair::kGrantedWord, "what is mapped");
          must_unmap(c, pair.ops, handle, at);
        },
}};

const Case kSwapsV2{{
    .slug = "grant.swap.success_v2.entries_and_status",
    .rule = "In version 2 swap exchanges the whole entries and the status words with them.",
    .source = "public/grant_table.h, GNTTABOP_swap_grant_ref",
    .method = "The guest writes into the status words itself, so that they can be told apart.",
    .requirements = {"GNT-SWAP-004"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu(), 2);
          table.switch_to(2);
          table.put(kRef, sub_page_v2(0, kDomAbsent, uint64_t{3} << 33, 17, 34));
          table.put(kOther, transitive_v2(GTF_readonly, DomId{5}, kDomAbsent, GrantRef{77}));
          c.vcpu().write(table.status_word(kRef), uint16_t{GTF_reading});
          check_status(c, ops.swap(kRef, kOther), GNTST_okay, "swapping");
          const auto first = table.v2(kRef);
          const auto second = table.v2(kOther);
          c.check_eq(first.hdr.flags, GTF_transitive | GTF_readonly, "flags of the first");
          c.check_eq(first.hdr.domid, 5u, "domain of the first");
          c.check_eq(first.transitive.gref, 77u, "target of the first");
          c.check_eq(second.hdr.flags, GTF_permit_access | GTF_sub_page, "flags of the second");
          c.check_eq(second.sub_page.page_off, 17u, "offset of the second");
          c.check_eq(second.sub_page.length, 34u, "length of the second");
          c.check_eq(second.sub_page.frame, uint64_t{3} << 33, "frame of the second");
          c.check_eq(table.status(kRef), 0u, "status word of the first");
          c.check_eq(table.status(kOther), GTF_reading, "status word of the second");
        },
}};

const Case kBeyond{{
    .slug = "grant.swap.ref_beyond_table.bad_gntref",
    .rule = "A reference beyond the table, on either side, gives bad_gntref, and the other entry stays.",
    .source = "public/grant_table.h, GNTST_bad_gntref",
    .requirements = {"GNT-SWAP-001"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu());
          table.put(kRef, entry_v1(GTF_permit_access, kDomAbsent, 99));
          for (const uint32_t ref : {kRefsPerFrameV1, 0x7fffffffu, 0xffffffffu}) {
            check_status(c, ops.swap(kRef, GrantRef{ref}), GNTST_bad_gntref, "second beyond");
            check_status(c, ops.swap(GrantRef{ref}, kRef), GNTST_bad_gntref, "first beyond");
            check_status(c, ops.swap(GrantRef{ref}, GrantRef{ref}), GNTST_bad_gntref, "both beyond");
          }
          c.check_eq(table.v1(kRef).frame, 99u, "the entry");
          check_status(c, ops.swap(kRef, GrantRef{kRefsPerFrameV1 - 1}), GNTST_okay, "the last one of the table");
          c.check_eq(table.v1(GrantRef{kRefsPerFrameV1 - 1}).frame, 99u, "the last entry");
        },
}};

const Case kPinned{{
    .slug = "grant.swap.grant_in_use.eagain",
    .rule = "An entry in use, on either side, gives eagain and stays; with itself it may be swapped.",
    .source = "public/grant_table.h, GNTST_eagain",
    .requirements = {"GNT-SWAP-002", "GNT-SWAP-003"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          pair.table.put(kOther, entry_v1(GTF_readonly, kDomAbsent, 99));
          GrantOps theirs(pair.granter);
          const auto mapped = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          check_status(c, theirs.swap(kRef, kOther), GNTST_eagain, "the first in use");
          check_status(c, theirs.swap(kOther, kRef), GNTST_eagain, "the second in use");
          check_status(c, theirs.swap(kRef, kRef), GNTST_okay, "with itself");
          c.check_eq(pair.table.v1(kRef).flags, GTF_permit_access | GTF_reading, "flags of the entry in use");
          c.check_eq(pair.table.v1(kOther).frame, 99u, "the other entry");
          pair.unmap(mapped);
          check_status(c, theirs.swap(kRef, kOther), GNTST_okay, "when it is in use no more");
          c.check_eq(pair.table.v1(kRef).frame, 99u, "the first entry in the end");
        },
}};

const Case kSelf{{
    .slug = "grant.swap.with_itself.nothing_changes",
    .rule = "Swapping an entry with itself succeeds and changes nothing.",
    .source = "public/grant_table.h, GNTTABOP_swap_grant_ref",
    .requirements = {"GNT-SWAP-003"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu());
          table.put(kRef, entry_v1(GTF_permit_access, kDomAbsent, 99));
          check_status(c, ops.swap(kRef, kRef), GNTST_okay, "swapping");
          c.check_eq(table.v1(kRef).flags, GTF_permit_access, "flags");
          c.check_eq(table.v1(kRef).frame, 99u, "frame");
        },
}};

const Case kFresh{{
    .slug = "grant.swap.table_never_set_up.works",
    .rule = "A domain that has never set its table up can swap: the table exists from the start, of version 1.",
    .source = "public/grant_table.h, GNTTABOP_swap_grant_ref",
    .requirements = {"GNT-SWAP-004", "GNT-SWAP-001"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          check_status(c, ops.swap(GrantRef{0}, GrantRef{511}), GNTST_okay, "first and last");
          check_status(c, ops.swap(GrantRef{0}, GrantRef{512}), GNTST_bad_gntref, "one beyond");
          const GrantTable table(c, c.vcpu());
          c.check_eq(table.flags(GrantRef{0}), 0u, "the first entry");
          c.check_eq(table.flags(GrantRef{511}), 0u, "the last entry");
        },
}};

}  // namespace
}  // namespace assay
