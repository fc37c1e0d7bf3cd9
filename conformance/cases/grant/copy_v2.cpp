/// GNTTABOP_copy by what only version 2 tables have: grants of a part of a page, and transitive ones.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_copy.hpp"
#include "conformance/guest/grant_pair.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;

const Case kSubPage{{
    .slug = "grant.copy.sub_page.window_only",
    .rule = "A grant of a part of a page admits copies inside that part; anything outside gives general_error.",
    .source = "public/grant_table.h, GTF_sub_page",
    .requirements = {"GNT-COPY-005", "GNT-COPY-008", "GNT-V2-004"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint16_t kStart = 256;
          constexpr uint16_t kLength = 128;
          GrantPair pair(c, 2);
          const Gva own = pair.mapper.domain().alloc_pages(1);
          const CopySide ours = by_frame(pair.mapper.domain().gfn_of(own));
          pair.granter.write(pair.page + kStart, GrantPair::kGrantedWord);
          const auto entry = sub_page_v2(0, pair.to(), pair.frame.raw(), kStart, kLength);
          pair.table.put(kRef, entry);
          struct Try {
            uint16_t offset, bytes;
            int16_t status;
          };
          for (const Try& one :
               {Try{kStart, kLength, GNTST_okay}, Try{kStart, 8, GNTST_okay}, Try{kStart + kLength - 8, 8, GNTST_okay},
                Try{kStart - 1, 8, GNTST_general_error}, Try{kStart, kLength + 1, GNTST_general_error},
                Try{0, 8, GNTST_general_error}, Try{kStart + kLength - 7, 8, GNTST_general_error},
                Try{kStart + kLength, 8, GNTST_general_error}}) {
            const CopySide theirs = by_ref(kRef, pair.table.dom(), one.offset);
            const std::string what = std::to_string(one.bytes) + " bytes at " + std::to_string(one.offset);
            check_status(c, pair.ops.copy(copy_request(theirs, ours, one.bytes)), one.status, "from, " + what);
          }
          c.check_eq(pair.mapper.read<uint64_t>(own + 8), 0u, "what lies behind the last bytes that were copied");
          pair.mapper.write(own, uint64_t{0x6666});
          check_status(c, pair.ops.copy(copy_request(ours, by_ref(kRef, pair.table.dom(), kStart + 8), 8)), GNTST_okay,
                       "to");
          c.check_eq(pair.granter.read<uint64_t>(pair.page + kStart + 8), 0x6666u, "what arrived");
          check_status(c, pair.ops.copy(copy_request(ours, by_ref(kRef, pair.table.dom(), kStart - 8), 8)),
                       GNTST_general_error, "to, outside");
          c.check_eq(pair.granter.read<uint64_t>(pair.page + (kStart - 8)), 0u, "what lies before the part");
          c.check_eq(pair.table.status(kRef), 0u, "status word in the end");
          c.check_eq(pair.table.flags(kRef), entry.hdr.flags, "flags word in the end");
        },
}};

const Case kSubPageReadonly{{
    .slug = "grant.copy.sub_page_readonly.source_only",
    .rule = "A read-only grant of a part of a page can be copied from, not to.",
    .source = "public/grant_table.h, GTF_readonly, GTF_sub_page",
    .requirements = {"GNT-COPY-005", "GNT-COPY-004"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, 2);
          const Gva own = pair.mapper.domain().alloc_pages(1);
          const CopySide ours = by_frame(pair.mapper.domain().gfn_of(own));
          pair.table.put(kRef, sub_page_v2(GTF_readonly, pair.to(), pair.frame.raw(), 0, 64));
          const CopySide theirs = by_ref(kRef, pair.table.dom());
          check_status(c, pair.ops.copy(copy_request(ours, theirs, 8)), GNTST_general_error, "to");
          check_status(c, pair.ops.copy(copy_request(theirs, ours, 8)), GNTST_okay, "from");
          c.check_eq(pair.mapper.read<uint64_t>(own), GrantPair::kGrantedWord, "what arrived");
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the granted page");
        },
}};

/// peer() has been granted a page by third() and passes it on to guest().
struct Chain {
  explicit Chain(CaseContext& c)
      : middle(c, c.vcpu(), c.peer().vcpu(0), 2),
        last(c, c.peer().vcpu(0), c.third().vcpu(0), 1),
        own(c.guest().alloc_pages(1)),
        ours(by_frame(c.guest().gfn_of(own))) {
    last.permit();
    pass_on();
  }
  void pass_on(uint16_t flags = 0) {
    middle.table.put(kRef, transitive_v2(flags, middle.to(), last.table.dom(), kRef));
  }
  [[nodiscard]] CopySide theirs(uint16_t offset = 0) const { return by_ref(kRef, middle.table.dom(), offset); }
  int16_t copy_from() { return middle.ops.copy(copy_request(theirs(), ours, 8)).arg.status; }
  int16_t copy_to() { return middle.ops.copy(copy_request(ours, theirs(8), 8)).arg.status; }

  GrantPair middle;  ///< guest() is granted by peer()
  GrantPair last;    ///< peer() is granted by third()
  Gva own;
  CopySide ours;
};

const Case kTransitive{{
    .slug = "grant.copy.transitive.reaches_third_domain",
    .rule = "A transitive grant gives access to what its granter has been granted by another domain.",
    .source = "public/grant_table.h, GTF_transitive",
    .requirements = {"GNT-COPY-006", "GNT-COPY-008"},
    .needs = {Capability::kThreeGuests},
    .body =
        [](CaseContext& c) {
          Chain chain(c);
          c.check_eq(chain.copy_from(), GNTST_okay, "copying from");
          c.check_eq(c.vcpu().read<uint64_t>(chain.own), GrantPair::kGrantedWord, "what arrived");
          c.check_eq(chain.copy_to(), GNTST_okay, "copying to");
          c.check_eq(chain.last.granter.read<uint64_t>(chain.last.page + 8), GrantPair::kGrantedWord,
                     "what arrived there");
          c.check_eq(chain.middle.table.status(kRef), 0u, "status word of the transitive entry");
          c.check_eq(chain.last.table.in_use(kRef), 0u, "use of the entry behind it");
          GrantOps peers(chain.middle.granter);
          check_status(c, peers.swap(kRef, GrantRef{30}), GNTST_okay, "swapping the transitive entry, not pinned");
          GrantOps thirds(chain.last.granter);
          check_status(c, thirds.swap(kRef, GrantRef{30}), GNTST_okay, "swapping the entry behind it, not pinned");
        },
}};

const Case kTransitiveRights{{
    .slug = "grant.copy.transitive.rights_of_both",
    .rule = "Through a transitive grant a copy needs the rights of both entries: either may be read-only.",
    .source = "public/grant_table.h, GTF_transitive: must be compatible with the original grant",
    .requirements = {"GNT-COPY-006", "GNT-COPY-004"},
    .needs = {Capability::kThreeGuests},
    .body =
        [](CaseContext& c) {
          Chain chain(c);
          chain.pass_on(GTF_readonly);
          c.check_eq(chain.copy_to(), GNTST_general_error, "copying to, passed on read-only");
          c.check_eq(chain.copy_from(), GNTST_okay, "copying from, passed on read-only");
          chain.pass_on();
          chain.last.permit(GTF_readonly);
          c.check_eq(chain.copy_to(), GNTST_general_error, "copying to, granted read-only");
          c.check_eq(chain.copy_from(), GNTST_okay, "copying from, granted read-only");
          c.check_eq(chain.last.granter.read<uint64_t>(chain.last.page + 8), 0u, "the page");
          c.check_eq(chain.middle.table.status(kRef), 0u, "status word of the transitive entry");
          c.check_eq(chain.last.table.in_use(kRef), 0u, "use of the entry behind it");
        },
}};

const Case kTransitiveBroken{{
    .slug = "grant.copy.transitive_broken.refused_and_released",
    .rule =
        "A transitive grant whose target is not granted, is its own granter's or absent is refused, without leftovers.",
    .source = "public/grant_table.h, GTF_transitive",
    .requirements = {"GNT-COPY-006", "GNT-COPY-008"},
    .needs = {Capability::kThreeGuests},
    .body =
        [](CaseContext& c) {
          Chain chain(c);
          const DomId middle = chain.middle.table.dom();
          const DomId last = chain.last.table.dom();
          chain.middle.table.permit(GrantRef{12}, middle, chain.middle.frame);
          struct Try {
            DomId dom;
            uint32_t ref;
            int16_t status;
            const char* what;
          };
          for (const Try& one : {Try{last, 50, GNTST_general_error, "an invalid entry"},
                                 Try{last, 5000, GNTST_bad_gntref, "an entry beyond the table"},
                                 Try{middle, 12, GNTST_general_error, "the granter's own grant"},
                                 Try{middle, kRef.raw(), GNTST_general_error, "itself"},
                                 Try{kDomAbsent, 9, GNTST_general_error, "an absent domain"},
                                 Try{c.guest().id(), 9, GNTST_general_error, "the caller"}}) {
            chain.middle.table.put(kRef, transitive_v2(0, chain.middle.to(), one.dom, GrantRef{one.ref}));
            const int16_t from = chain.copy_from();
            const int16_t to = chain.copy_to();
            c.check_eq(from, one.status, std::string("from, ") + one.what);
            c.check_eq(to, one.status, std::string("to, ") + one.what);
            c.check_eq(chain.middle.table.status(kRef), 0u, "status word of the transitive entry");
          }
          // The domain behind goes on granting, and its locks are free.
          chain.pass_on();
          c.check_eq(chain.copy_from(), GNTST_okay, "a sound one afterwards");
          c.check_eq(chain.last.table.in_use(kRef), 0u, "use of the entry behind it");
          GrantOps thirds(chain.last.granter);
          check_status(c, thirds.swap(kRef, GrantRef{30}), GNTST_okay, "swapping the entry behind it");
        },
}};

const Case kTransitiveTwice{{
    .slug = "grant.copy.transitive_of_transitive.general_error",
    .rule = "A transitive grant of a transitive grant gives general_error.",
    .source = "public/grant_table.h, GTF_transitive",
    .requirements = {"GNT-COPY-006", "GNT-COPY-008"},
    .needs = {Capability::kThreeGuests},
    .body =
        [](CaseContext& c) {
          Chain chain(c);
          GrantPair end(c, c.third().vcpu(0), c.vcpu(), 1);
          end.permit();
          chain.last.table.switch_to(2);
          chain.last.table.put(kRef, transitive_v2(0, c.peer().id(), c.guest().id(), kRef));
          c.check_eq(chain.copy_from(), GNTST_general_error, "two levels");
          c.check_eq(chain.last.table.status(kRef), 0u, "status word of the second entry");
          chain.last.permit();
          c.check_eq(chain.copy_from(), GNTST_okay, "one level");
        },
}};

const Case kBigFrame{{
    .slug = "grant.copy.v2_frame_number.all_64_bits",
    .rule = "Version 2 entries hold 64-bit frames: bits above 32 are not cut off.",
    .source = "public/grant_table.h, grant_entry_v2 full_page.frame",
    .requirements = {"GNT-V2-002", "GNT-MAP-013"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, 2);
          const Gva own = pair.mapper.domain().alloc_pages(1);
          pair.table.put(kRef, full_page_v2(GTF_permit_access, pair.to(), pair.frame.raw() | uint64_t{1} << 32));
          const auto request =
              copy_request(by_ref(kRef, pair.table.dom()), by_frame(pair.mapper.domain().gfn_of(own)), 8);
          check_status(c, pair.ops.copy(request), GNTST_bad_page, "a frame above 32 bits");
          check_status(c, pair.ops.map(pair.request(pair.window().host_addr)), GNTST_bad_page, "mapping it");
          c.check_eq(pair.mapper.read<uint64_t>(own), 0u, "own page");
          c.check_eq(pair.table.status(kRef), 0u, "status word");
        },
}};

}  // namespace
}  // namespace assay
