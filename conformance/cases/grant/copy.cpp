/// GNTTABOP_copy with whole-page grants and own frames. Parts of pages and transitive grants: copy_v2.cpp.
#include <algorithm>
#include <numeric>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_copy.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;

using Page = std::vector<uint8_t>;

Page read_page(Vcpu& vcpu, Gva va) {
  Page bytes(kPageSize);
  if (vcpu.read_bytes(va, std::as_writable_bytes(std::span(bytes)))) throw HarnessFault("a page cannot be read");
  return bytes;
}

/// Fills a page with bytes that tell their place.
Page fill_page(Vcpu& vcpu, Gva va, uint8_t seed) {
  Page bytes(kPageSize);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(seed + i * 7 + i / 256);
  if (vcpu.write_bytes(va, std::as_bytes(std::span(bytes)))) throw HarnessFault("a page cannot be written");
  return bytes;
}

/// The mapper's side of a pair: a page of its own beside the granted one.
struct CopyPair : GrantPair {
  explicit CopyPair(CaseContext& context, uint32_t version = 1)
      : GrantPair(context, version), own(mapper.domain().alloc_pages(1)), own_frame(mapper.domain().gfn_of(own)) {}
  [[nodiscard]] CopySide theirs(uint16_t offset = 0) const { return by_ref(kRef, table.dom(), offset); }
  [[nodiscard]] CopySide ours(uint16_t offset = 0) const { return by_frame(own_frame, offset); }
  Gva own;
  Gfn own_frame;
};

const Case kFromGrant{{
    .slug = "grant.copy.from_grant.exact_bytes",
    .rule = "A copy moves exactly len bytes between the offsets; nothing around them changes, nor does the source.",
    .source = "public/grant_table.h, GNTTABOP_copy",
    .requirements = {"GNT-COPY-007", "GNT-COPY-004"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.permit(GTF_readonly);
          const Page source = fill_page(pair.granter, pair.page, 1);
          Page expected = fill_page(pair.mapper, pair.own, 100);
          struct Part {
            uint16_t from, to, bytes;
          };
          for (const Part& part : {Part{0, 0, 1}, Part{13, 77, 1001}, Part{4095, 4095, 1}, Part{8, 4000, 96}}) {
            check_status(c, pair.ops.copy(copy_request(pair.theirs(part.from), pair.ours(part.to), part.bytes)),
                         GNTST_okay, "copying " + std::to_string(part.bytes) + " bytes");
            std::copy_n(source.begin() + part.from, part.bytes, expected.begin() + part.to);
            c.check(read_page(pair.mapper, pair.own) == expected, "the destination holds these bytes and its own");
          }
          check_status(c, pair.ops.copy(copy_request(pair.theirs(), pair.ours(), 4096)), GNTST_okay, "a whole page");
          c.check(read_page(pair.mapper, pair.own) == source, "the destination holds the whole page");
          c.check(read_page(pair.granter, pair.page) == source, "the source is what it was");
        },
}};

const Case kToGrant{{
    .slug = "grant.copy.to_grant.exact_bytes",
    .rule = "A copy to a grant writes into the granter's page, exactly the bytes asked for.",
    .source = "public/grant_table.h, GNTTABOP_copy",
    .requirements = {"GNT-COPY-007"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.permit();
          const Page source = fill_page(pair.mapper, pair.own, 3);
          Page expected = fill_page(pair.granter, pair.page, 200);
          check_status(c, pair.ops.copy(copy_request(pair.ours(5), pair.theirs(2000), 333)), GNTST_okay, "copying");
          std::copy_n(source.begin() + 5, 333, expected.begin() + 2000);
          c.check(read_page(pair.granter, pair.page) == expected, "the granter's page holds these bytes and its own");
          c.check(read_page(pair.mapper, pair.own) == source, "the source is what it was");
        },
}};

const Case kBothGrants{{
    .slug = "grant.copy.between_two_granters.exact_bytes",
    .rule = "Both sides may be grants, of two domains that have nothing to do with each other.",
    .source = "public/grant_table.h, GNTTABOP_copy: copy data between two domains via a third party",
    .requirements = {"GNT-COPY-007", "GNT-COPY-008"},
    .needs = {Capability::kThreeGuests},
    .body =
        [](CaseContext& c) {
          GrantPair from(c, c.vcpu(), c.peer().vcpu(0));
          GrantPair to(c, c.vcpu(), c.third().vcpu(0));
          from.permit(GTF_readonly);
          to.permit();
          fill_page(to.granter, to.page, 9);
          const auto request = copy_request(by_ref(kRef, from.table.dom()), by_ref(kRef, to.table.dom(), 64), 8);
          check_status(c, from.ops.copy(request), GNTST_okay, "copying");
          c.check_eq(to.granter.read<uint64_t>(to.page + 64), GrantPair::kGrantedWord, "what arrived");
          c.check_eq(from.table.in_use(kRef), 0u, "use of the source");
          c.check_eq(to.table.in_use(kRef), 0u, "use of the destination");
        },
}};

const Case kOwnFrames{{
    .slug = "grant.copy.own_frames.exact_bytes",
    .rule = "Both sides may be the caller's own frames, even the same one with parts that overlap not.",
    .source = "public/grant_table.h, GNTTABOP_copy",
    .requirements = {"GNT-COPY-007"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Gva page = c.guest().alloc_pages(1);
          const Gfn frame = c.guest().gfn_of(page);
          Page expected = fill_page(c.vcpu(), page, 50);
          check_status(c, ops.copy(copy_request(by_frame(frame, 0), by_frame(frame, 1024), 512)), GNTST_okay,
                       "copying");
          std::copy_n(expected.begin(), 512, expected.begin() + 1024);
          c.check(read_page(c.vcpu(), page) == expected, "the page");
        },
}};

const Case kBeyondPage{{
    .slug = "grant.copy.across_page_end.bad_copy_arg",
    .rule = "Bytes that would lie beyond the page, on either side, give bad_copy_arg; nothing is copied.",
    .source = "public/grant_table.h, GNTST_bad_copy_arg",
    .requirements = {"GNT-COPY-001", "GNT-COPY-008"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.permit();
          const Page before = fill_page(pair.mapper, pair.own, 11);
          struct Part {
            uint16_t from, to, bytes;
          };
          for (const Part& part :
               {Part{1, 0, 4096}, Part{0, 1, 4096}, Part{4095, 0, 2}, Part{0, 4095, 2}, Part{0, 0, 4097},
                Part{0xffff, 0, 1}, Part{0, 0xffff, 1}, Part{0xffff, 0xffff, 0xffff}}) {
            check_status(c, pair.ops.copy(copy_request(pair.theirs(part.from), pair.ours(part.to), part.bytes)),
                         GNTST_bad_copy_arg, std::to_string(part.from) + " to " + std::to_string(part.to));
          }
          c.check(read_page(pair.mapper, pair.own) == before, "the destination is what it was");
          c.check_eq(pair.table.in_use(kRef), 0u, "use of the grant");
        },
}};

const Case kForeignFrame{{
    .slug = "grant.copy.frame_of_other_domain.permission_denied",
    .rule = "A frame, as against a grant, must be the caller's own by DOMID_SELF: else permission_denied.",
    .source = "public/grant_table.h, GNTTABOP_copy: for foreign domains, grant references",
    .requirements = {"GNT-COPY-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.permit();
          const CopySide foreign = by_frame(pair.frame, 0, pair.table.dom());
          const CopySide numbered = by_frame(pair.own_frame, 0, c.guest().id());
          for (const CopySide& side : {foreign, numbered}) {
            check_status(c, pair.ops.copy(copy_request(side, pair.ours(), 8)), GNTST_permission_denied, "as source");
            check_status(c, pair.ops.copy(copy_request(pair.ours(), side, 8)), GNTST_permission_denied,
                         "as destination");
          }
          c.check_eq(pair.mapper.read<uint64_t>(pair.own), 0u, "own page");
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the peer's page");
        },
}};

const Case kDom0Frame{{
    .slug = "grant.copy.frame_of_other_domain.privileged_too",
    .rule = "Not even a privileged domain copies from or to frames of others by their number.",
    .source = "public/grant_table.h, GNTTABOP_copy",
    .requirements = {"GNT-COPY-002"},
    .body =
        [](CaseContext& c) {
          GrantOps control(c.dom0().vcpu(0));
          const Gva own = c.dom0().alloc_pages(1);
          const Gva page = c.guest().alloc_pages(1);
          const CopySide foreign = by_frame(c.guest().gfn_of(page), 0, c.guest().id());
          const CopySide ours = by_frame(c.dom0().gfn_of(own));
          check_status(c, control.copy(copy_request(foreign, ours, 8)), GNTST_permission_denied, "as source");
          check_status(c, control.copy(copy_request(ours, foreign, 8)), GNTST_permission_denied, "as destination");
        },
}};

const Case kAbsentDomain{{
    .slug = "grant.copy.absent_domain.bad_domain",
    .rule = "A domain that does not exist gives bad_domain, for grants and frames alike.",
    .source = "public/grant_table.h, GNTST_bad_domain",
    .requirements = {"GNT-COPY-003"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          for (const DomId dom : {kDomAbsent, kDomXen, kDomInvalid}) {
            for (const CopySide& side : {by_ref(kRef, dom), by_frame(pair.frame, 0, dom)}) {
              check_status(c, pair.ops.copy(copy_request(side, pair.ours(), 8)), GNTST_bad_domain, "as source");
              check_status(c, pair.ops.copy(copy_request(pair.ours(), side, 8)), GNTST_bad_domain, "as destination");
            }
          }
          c.check_eq(pair.mapper.read<uint64_t>(pair.own), 0u, "own page");
        },
}};

const Case kOwnGrant{{
    .slug = "grant.copy.own_grant.by_self",
    .rule = "In a copy DOMID_SELF names the caller as granter too.",
    .source = "public/grant_table.h, GNTTABOP_copy",
    .requirements = {"GNT-COPY-003", "GNT-COPY-007"},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, c.vcpu(), c.vcpu());
          pair.permit();
          const Gva own = c.guest().alloc_pages(1);
          const CopySide to = by_frame(c.guest().gfn_of(own));
          check_status(c, pair.ops.copy(copy_request(by_ref(kRef, kDomSelf), to, 8)), GNTST_okay, "by DOMID_SELF");
          c.check_eq(pair.mapper.read<uint64_t>(own), GrantPair::kGrantedWord, "what arrived");
        },
}};

const Case kReadonlyDest{{
    .slug = "grant.copy.readonly_destination.general_error",
    .rule = "A read-only grant cannot be copied to: general_error, and nothing changes. It can be copied from.",
    .source = "public/grant_table.h, GTF_readonly",
    .requirements = {"GNT-COPY-004", "GNT-COPY-008"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.permit(GTF_readonly);
          check_status(c, pair.ops.copy(copy_request(pair.ours(), pair.theirs(), 8)), GNTST_general_error,
                       "copying to");
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the granted page");
          check_status(c, pair.ops.copy(copy_request(pair.theirs(), pair.ours(), 8)), GNTST_okay, "copying from");
          c.check_eq(pair.mapper.read<uint64_t>(pair.own), GrantPair::kGrantedWord, "own page");
          c.check_eq(pair.table.flags(kRef), GTF_permit_access | GTF_readonly, "flags of the entry");
        },
}};

const Case kBadGrant{{
    .slug = "grant.copy.unusable_grant.refused",
    .rule = "A reference beyond the table gives bad_gntref; one that grants the caller nothing general_error.",
    .source = "public/grant_table.h, enum grant_status",
    .requirements = {"GNT-COPY-003", "GNT-COPY-008"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.table.permit(GrantRef{20}, kDomAbsent, pair.frame);
          struct Try {
            uint32_t ref;
            int16_t status;
          };
          for (const Try& one : {Try{kRefsPerFrameV1, GNTST_bad_gntref}, Try{0xffffffff, GNTST_bad_gntref},
                                 Try{21, GNTST_general_error}, Try{20, GNTST_general_error}}) {
            const CopySide side = by_ref(GrantRef{one.ref}, pair.table.dom());
            const std::string which = "reference " + std::to_string(one.ref);
            check_status(c, pair.ops.copy(copy_request(side, pair.ours(), 8)), one.status, which + " as source");
            check_status(c, pair.ops.copy(copy_request(pair.ours(), side, 8)), one.status, which + " as destination");
          }
          c.check_eq(pair.mapper.read<uint64_t>(pair.own), 0u, "own page");
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the peer's page");
          c.check_eq(pair.table.flags(GrantRef{20}), GTF_permit_access, "flags of the other's entry");
        },
}};

const Case kNothingLeft{{
    .slug = "grant.copy.after_batch.no_pin_left",
    .rule = "When a batch is over nothing of it is left: no status bits, no pins, whether its copies worked or failed.",
    .source = "public/grant_table.h, GTF_reading, GTF_writing",
    .requirements = {"GNT-COPY-008", "GNT-COPY-011"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.permit();
          const GrantRef bad{20};
          pair.table.permit(bad, pair.to(), Gfn{0xffffffff});
          std::vector<gnttab_copy_t> copies{
              copy_request(pair.theirs(), pair.ours(), 8),
              copy_request(pair.theirs(1), pair.ours(), 4096),
              copy_request(by_ref(bad, pair.table.dom()), pair.ours(), 8),
              copy_request(pair.theirs(), pair.ours(64), 8),
              copy_request(pair.ours(), pair.theirs(128), 8),
          };
          const int16_t expected[] = {GNTST_okay, GNTST_bad_copy_arg, GNTST_bad_page, GNTST_okay, GNTST_okay};
          c.check_eq(pair.ops.array(GNTTABOP_copy, copies), 0, "result");
          for (size_t i = 0; i < copies.size(); ++i) {
            c.check_eq(copies[i].status, expected[i], "status of copy " + std::to_string(i));
          }
          c.check_eq(pair.mapper.read<uint64_t>(pair.own + 64), GrantPair::kGrantedWord, "copy 3, after failures");
          c.check_eq(pair.granter.read<uint64_t>(pair.page + 128), GrantPair::kGrantedWord, "copy 4");
          GrantOps theirs(pair.granter);
          for (const GrantRef ref : {kRef, bad}) {
            c.check_eq(pair.table.in_use(ref), 0u, "use of the entry");
            check_status(c, theirs.swap(ref, GrantRef{30}), GNTST_okay, "swapping it, as it is not pinned");
            check_status(c, theirs.swap(ref, GrantRef{30}), GNTST_okay, "and back");
          }
        },
}};

const Case kMappedBeside{{
    .slug = "grant.copy.of_mapped_grant.map_keeps_bits",
    .rule = "A copy by a grant that is mapped as well takes away none of the map's status bits.",
    .source = "public/grant_table.h, GTF_reading, GTF_writing",
    .requirements = {"GNT-COPY-008", "GNT-UNMAP-007"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.permit();
          const auto writer = pair.map();
          check_status(c, pair.ops.copy(copy_request(pair.theirs(), pair.ours(), 8)), GNTST_okay, "copying from");
          c.check_eq(pair.table.in_use(kRef), kInUse, "use, mapped writable");
          check_status(c, pair.ops.copy(copy_request(pair.ours(), pair.theirs(), 8)), GNTST_okay, "copying to");
          c.check_eq(pair.table.in_use(kRef), kInUse, "use, still mapped writable");
          pair.unmap(writer);
          const auto reader = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          check_status(c, pair.ops.copy(copy_request(pair.ours(), pair.theirs(), 8)), GNTST_okay, "copying to");
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use, mapped read-only");
          pair.unmap(reader);
          c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
        },
}};

const Case kDestIsTable{{
    .slug = "grant.copy.destination_page_table.refused",
    .rule =
        "A page table cannot be copied to, be it granted or the caller's own: general_error, and it stays as it is.",
    .source = "Xen 4.17, types of frames",
    .requirements = {"GNT-COPY-010", "GNT-COPY-008"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.mapper.write(pair.own, uint64_t{0});
          const auto table_behind = [](Vcpu& vcpu, Gva va) { return leaf_entry(vcpu.domain(), va); };
          const LeafEntry theirs = table_behind(pair.granter, pair.page);
          pair.table.permit(kRef, pair.to(), Gfn{theirs.machine >> kPageShift});
          const auto offset = static_cast<uint16_t>(theirs.machine % kPageSize);
          check_status(c, pair.ops.copy(copy_request(pair.ours(), pair.theirs(offset), 8)), GNTST_general_error,
                       "a granted page table");
          c.check_eq(table_behind(pair.granter, pair.page).value, theirs.value, "the granter's entry");
          c.check_eq(pair.table.in_use(kRef), 0u, "use of the grant");
          const LeafEntry ours = table_behind(pair.mapper, pair.own);
          const CopySide own_table =
              by_frame(Gfn{ours.machine >> kPageShift}, static_cast<uint16_t>(ours.machine % kPageSize));
          check_status(c, pair.ops.copy(copy_request(pair.ours(), own_table, 8)), GNTST_general_error,
                       "an own page table");
          c.check_eq(table_behind(pair.mapper, pair.own).value, ours.value, "the caller's entry");
          check_status(c, pair.ops.copy(copy_request(own_table, pair.ours(), 8)), GNTST_okay, "from an own page table");
          c.check_eq(pair.mapper.read<uint64_t>(pair.own) & ~uint64_t{0x60}, ours.value & ~uint64_t{0x60},
                     "what arrived");
        },
}};

const Case kStatusEach{{
    .slug = "grant.copy.failing_elements.status_each",
    .rule = "Each copy of a batch has its own status, and those behind a failed one still run.",
    .source = "public/grant_table.h, GNTTABOP_copy",
    .requirements = {"GNT-COPY-011"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Gva page = c.guest().alloc_pages(1);
          const Gfn frame = c.guest().gfn_of(page);
          c.vcpu().write(page, uint64_t{0x4444});
          std::vector<gnttab_copy_t> copies;
          for (uint16_t i = 0; i < 8; ++i) {
            const auto to = static_cast<uint16_t>(64 + 8 * i);
            copies.push_back(copy_request(by_frame(frame), by_frame(frame, to), i % 2 == 0 ? 4096 : 8));
          }
          c.check_eq(ops.array(GNTTABOP_copy, copies), 0, "result");
          for (uint16_t i = 0; i < 8; ++i) {
            c.check_eq(copies[i].status, i % 2 == 0 ? GNTST_bad_copy_arg : GNTST_okay,
                       "status of copy " + std::to_string(i));
            c.check_eq(c.vcpu().read<uint64_t>(page + 64 + 8u * i), i % 2 == 0 ? 0u : 0x4444u, "its destination");
          }
        },
}};

const Case kNoBytes{{
    .slug = "grant.copy.no_bytes.sides_still_checked",
    .rule = "A copy of no bytes is accepted, but both sides must be sound all the same.",
    .source = "public/grant_table.h, GNTTABOP_copy",
    .requirements = {"GNT-COPY-012"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          CopyPair pair(c);
          pair.permit();
          const Page before = fill_page(pair.mapper, pair.own, 77);
          check_status(c, pair.ops.copy(copy_request(pair.theirs(), pair.ours(), 0)), GNTST_okay, "no bytes");
          check_status(c, pair.ops.copy(copy_request(pair.theirs(4096), pair.ours(4096), 0)), GNTST_okay, "at the end");
          check_status(c, pair.ops.copy(copy_request(pair.theirs(4097), pair.ours(), 0)), GNTST_bad_copy_arg,
                       "behind the end of the source");
          check_status(c, pair.ops.copy(copy_request(by_ref(GrantRef{40}, pair.table.dom()), pair.ours(), 0)),
                       GNTST_general_error, "an invalid source");
          check_status(c, pair.ops.copy(copy_request(pair.ours(), by_ref(kRef, kDomAbsent), 0)), GNTST_bad_domain,
                       "an absent destination");
          c.check(read_page(pair.mapper, pair.own) == before, "own page is what it was");
        },
}};

const Case kBadOwnFrame{{
    .slug = "grant.copy.own_frame_not_memory.bad_page",
    .rule = "A frame of the caller's that is no memory gives bad_page.",
    .source = "public/grant_table.h, GNTST_bad_page",
    .requirements = {"GNT-COPY-003", "GNT-MAP-013"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Gva page = c.guest().alloc_pages(1);
          const CopySide ours = by_frame(c.guest().gfn_of(page));
          for (const uint64_t frame : {uint64_t{0xfffffff}, uint64_t{1} << 40, ~uint64_t{0}}) {
            check_status(c, ops.copy(copy_request(by_frame(Gfn{frame}), ours, 8)), GNTST_bad_page,
                         "source " + show(frame));
            check_status(c, ops.copy(copy_request(ours, by_frame(Gfn{frame}), 8)), GNTST_bad_page,
                         "dest " + show(frame));
          }
        },
}};

const Case kUnknownFlags{{
    .slug = "grant.copy.unknown_flags.ignored",
    .rule = "Flags other than the two of the header change nothing about a copy.",
    .source = "public/grant_table.h, GNTCOPY_source_gref, GNTCOPY_dest_gref",
    .requirements = {"GNT-COPY-007"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Gva page = c.guest().alloc_pages(1);
          const Gfn frame = c.guest().gfn_of(page);
          c.vcpu().write(page, uint64_t{0x5151});
          auto request = copy_request(by_frame(frame), by_frame(frame, 64), 8);
          request.flags = 0xfffc;
          check_status(c, ops.copy(request), GNTST_okay, "copying");
          c.check_eq(c.vcpu().read<uint64_t>(page + 64), 0x5151u, "what arrived");
        },
}};

const Case kReadOnlyFrame{{
    .slug = "grant.copy.frame_mapped_readonly.refused",
    .rule = "A copy cannot write through a guest frame at which a grant is mapped read-only.",
    .source = "public/grant_table.h, GNTTABOP_copy",
    .requirements = {"GNT-COPY-010", "GNT-COPY-004"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit(GTF_readonly);
          const auto mapped = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          const Gva own = c.guest().alloc_pages(1);
          pair.mapper.write(own, uint64_t{0xbad});
          const Gfn place{mapped.at.host_addr >> kPageShift};
          const auto done = pair.ops.copy(copy_request(by_frame(c.guest().gfn_of(own)), by_frame(place), 8));
          c.check_eq(done.result, 0, "the copy: result");
          c.check(done.arg.status < 0, "the copy is refused");
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the granted page");
          pair.unmap(mapped);
        },
}};

}  // namespace
}  // namespace assay
