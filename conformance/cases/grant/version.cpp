/// GNTTABOP_set_version, get_version, get_status_frames: the two layouts of a table.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_copy.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/pv_mapping.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;

uint32_t version_of(GrantOps& ops) {
  return ops.get_version().arg.version;
}

/// A set_version that is refused: the error, the version written back, and the version in force.
void check_refused(CaseContext& c, GrantOps& ops, uint32_t wanted, int64_t error, uint32_t in_force,
                   std::string_view what) {
  const auto done = ops.set_version(wanted);
  c.check_eq(done.result, error, what);
  c.check_eq(done.arg.version, in_force, std::string(what) + ": version written back");
  c.check_eq(version_of(ops), in_force, std::string(what) + ": version in force");
}

const Case kStartsAtOne{{
    .slug = "grant.get_version.new_domain.one",
    .rule = "A new domain's table is of version 1; get_version tells so, by DOMID_SELF and by number.",
    .source = "public/grant_table.h, GNTTABOP_get_version",
    .requirements = {"GNT-VER-011", "GNT-VER-010"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const DomId dom : {kDomSelf, c.guest().id()}) {
            const auto got = ops.get_version(dom);
            c.check_eq(got.result, 0, "result");
            c.check_eq(got.arg.version, 1u, "version");
          }
          c.require_eq(ops.set_version(2).result, 0, "changing the version");
          c.check_eq(version_of(ops), 2u, "version afterwards");
        },
}};

const Case kGetForeign{{
    .slug = "grant.get_version.foreign_domain.esrch_or_eperm",
    .rule = "get_version of an absent domain gives ESRCH, of a foreign one EPERM; a privileged domain may ask.",
    .source = "public/grant_table.h, GNTTABOP_get_version",
    .requirements = {"GNT-VER-010"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const DomId dom : {kDomAbsent, kDomInvalid}) {
            const auto got = ops.get_version(dom);
            c.check_eq(got.result, -XEN_ESRCH, "an absent domain");
            c.check_eq(got.arg.version, kUntouched32, "version field");
          }
          for (const DomId dom : {c.peer().id(), DomId{0}}) {
            const auto got = ops.get_version(dom);
            c.check_eq(got.result, -XEN_EPERM, "a foreign domain");
            c.check_eq(got.arg.version, kUntouched32, "version field");
          }
          c.require_eq(ops.set_version(2).result, 0, "changing the version");
          GrantOps control(c.dom0().vcpu(0));
          c.check_eq(control.get_version(c.guest().id()).arg.version, 2u, "the guest's version, told to dom0");
          c.check_eq(control.get_version(c.peer().id()).arg.version, 1u, "the peer's version, told to dom0");
        },
}};

const Case kUnknownVersion{{
    .slug = "grant.set_version.unknown.einval",
    .rule = "Versions other than 1 and 2 give EINVAL; what is written back is the version in force.",
    .source = "public/grant_table.h, GNTTABOP_set_version: the only defined versions are 1 and 2",
    .requirements = {"GNT-VER-001", "GNT-VER-009"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu());
          table.put(kRef, entry_v1(GTF_permit_access, kDomAbsent, 7));
          for (const uint32_t version : {0u, 3u, 0xffffffffu}) {
            check_refused(c, ops, version, -XEN_EINVAL, 1, "version " + std::to_string(version));
          }
          c.check_eq(table.v1(kRef).frame, 7u, "an entry afterwards");
          c.require_eq(ops.set_version(2).result, 0, "version 2");
          check_refused(c, ops, 3, -XEN_EINVAL, 2, "version 3, from 2");
        },
}};

const Case kLimited{{
    .slug = "grant.set_version.limited_to_one.enosys",
    .rule = "A domain that was created for version 1 only gets ENOSYS for version 2; 1 is accepted.",
    .source = "public/domctl.h, XEN_DOMCTL_GRANT_version",
    .requirements = {"GNT-VER-002", "GNT-VER-009"},
    .body =
        [](CaseContext& c) {
          GuestSpec spec = c.guest_spec();
          spec.max_grant_version = 1;
          GrantOps ops(c.guest(spec).vcpu(0));
          check_refused(c, ops, 2, -XEN_ENOSYS, 1, "version 2");
          const auto same = ops.set_version(1);
          c.check_eq(same.result, 0, "version 1");
          c.check_eq(same.arg.version, 1u, "version written back");
        },
}};

const Case kSame{{
    .slug = "grant.set_version.same.entries_kept",
    .rule = "Setting the version that is in force succeeds and keeps every entry, even with grants in use.",
    .source = "public/grant_table.h, GNTTABOP_set_version",
    .requirements = {"GNT-VER-003", "GNT-VER-009"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          for (const uint32_t version : {1u, 2u}) {
            GrantPair pair(c, version);
            GrantOps theirs(pair.granter);
            pair.permit();
            const auto mapped = pair.map();
            const uint16_t flags = pair.table.flags(kRef);
            const auto done = theirs.set_version(version);
            c.check_eq(done.result, 0, "setting version " + std::to_string(version));
            c.check_eq(done.arg.version, version, "version written back");
            c.check_eq(pair.table.flags(kRef), flags, "flags of the entry");
            c.check_eq(pair.table.in_use(kRef), kInUse, "use of the entry");
            pair.unmap(mapped);
            pair.table.revoke(kRef);
          }
        },
}};

const Case kPinned{{
    .slug = "grant.set_version.grant_in_use.ebusy",
    .rule = "While a grant is in use the version cannot change, up or down: EBUSY, and nothing is altered.",
    .source = "public/grant_table.h, GNTTABOP_set_version: must be performed while no grants are active",
    .requirements = {"GNT-VER-004", "GNT-VER-009"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          for (const uint32_t version : {1u, 2u}) {
            GrantPair pair(c, version);
            GrantOps theirs(pair.granter);
            const GrantRef ref = kFirstOrdinaryRef;
            pair.table.permit(ref, pair.to(), pair.frame);
            const GrantWindow at = pair.window();
            const auto handle = must_map(c, pair.ops, {.host_addr = at.host_addr, .ref = ref, .dom = pair.table.dom()});
            pair.table.unmap_status();
            check_refused(c, theirs, 3 - version, -XEN_EBUSY, version, "from version " + std::to_string(version));
            c.check_eq(pair.table.flags(ref) & ~kInUse, GTF_permit_access, "flags of the entry");
            c.check_eq(pair.mapper.read<uint64_t>(at.va), GrantPair::kGrantedWord, "the mapping");
            must_unmap(c, pair.ops, handle, at);
            pair.table.switch_to(3 - version);
            pair.table.switch_to(version);
          }
        },
}};

const Case kReservedPinned{{
    .slug = "grant.set_version.reserved_grant_in_use.allowed",
    .rule = "Reserved entries (0 to 7) may be in use while the version changes: mapping and status bits survive.",
    .source = "public/grant_table.h, GNTTAB_NR_RESERVED_ENTRIES",
    .requirements = {"GNT-VER-004", "GNT-VER-005"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          const GrantRef ref{GNTTAB_NR_RESERVED_ENTRIES - 1};
          pair.table.permit(ref, pair.to(), pair.frame);
          const GrantWindow at = pair.window();
          const auto handle = must_map(c, pair.ops, {.host_addr = at.host_addr, .ref = ref, .dom = pair.table.dom()});
          c.check_eq(pair.table.in_use(ref), kInUse, "use in version 1");
          pair.table.switch_to(2);
          c.check_eq(pair.table.flags(ref), GTF_permit_access, "flags word in version 2");
          c.check_eq(pair.table.in_use(ref), kInUse, "use in version 2");
          pair.table.switch_to(1);
          c.check_eq(pair.table.flags(ref), GTF_permit_access | kInUse, "flags word in version 1 again");
          must_unmap(c, pair.ops, handle, at);
          c.check_eq(pair.table.flags(ref), GTF_permit_access, "flags word in the end");
        },
}};

const Case kKeepsReserved{{
    .slug = "grant.set_version.success.reserved_kept_others_zero",
    .rule = "A change of version keeps the reserved entries, in the new layout, and clears all others.",
    .source = "public/grant_table.h, GNTTAB_NR_RESERVED_ENTRIES",
    .requirements = {"GNT-VER-005", "GNT-VER-009"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu(), 2);
          const uint32_t reserved = GNTTAB_NR_RESERVED_ENTRIES;
          for (uint32_t ref = 0; ref < 2 * kRefsPerFrameV1; ref += ref < 16 ? 1 : 37) {
            table.put(GrantRef{ref}, entry_v1(GTF_permit_access, kDomAbsent, 100 + ref));
          }
          const auto up = ops.set_version(2);
          c.require_eq(up.result, 0, "to version 2");
          c.check_eq(up.arg.version, 2u, "version written back");
          table.switch_to(2);
          for (uint32_t ref = 0; ref < reserved; ++ref) {
            const auto entry = table.v2(GrantRef{ref});
            c.check_eq(entry.hdr.flags, GTF_permit_access, "flags of reserved entry " + std::to_string(ref));
            c.check_eq(entry.hdr.domid, kDomAbsent.raw(), "domain of reserved entry " + std::to_string(ref));
            c.check_eq(entry.full_page.frame, 100u + ref, "frame of reserved entry " + std::to_string(ref));
          }
          const auto all_zero = [&](uint64_t first_byte) {
            std::vector<uint8_t> bytes(2 * kPageSize);
            for (uint32_t i = 0; i < 2; ++i) {
              const auto part = std::span(bytes).subspan(i * kPageSize, kPageSize);
              c.require(!c.vcpu().read_bytes(table.frame(i), std::as_writable_bytes(part)), "reading the table");
            }
            for (uint64_t i = first_byte; i < bytes.size(); ++i) {
              if (bytes[i] != 0) return false;
            }
            return true;
          };
          c.check(all_zero(reserved * sizeof(grant_entry_v2_t)), "all other entries of version 2 are zero");
          table.put(GrantRef{100}, full_page_v2(GTF_permit_access, kDomAbsent, 5));
          table.switch_to(1);
          for (uint32_t ref = 0; ref < reserved; ++ref) {
            const auto entry = table.v1(GrantRef{ref});
            c.check_eq(entry.flags, GTF_permit_access, "flags of reserved entry, version 1 again");
            c.check_eq(entry.domid, kDomAbsent.raw(), "domain of reserved entry, version 1 again");
            c.check_eq(entry.frame, 100u + ref, "frame of reserved entry, version 1 again");
          }
          c.check(all_zero(reserved * sizeof(grant_entry_v1_t)), "all other entries of version 1 are zero");
        },
}};

const Case kNotRepresentable{{
    .slug = "grant.set_version.reserved_not_representable.erange",
    .rule = "Back to version 1 with a reserved entry that it cannot hold (transitive, frame above 32 bits): ERANGE.",
    .source = "public/grant_table.h, grant_entry_v1",
    .requirements = {"GNT-VER-006", "GNT-VER-009"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu());
          table.switch_to(2);
          table.unmap_status();
          const GrantRef reserved{3};
          table.put(GrantRef{50}, transitive_v2(0, kDomAbsent, kDomAbsent, GrantRef{1}));
          for (const auto& entry : {transitive_v2(0, kDomAbsent, kDomAbsent, GrantRef{1}),
                                    full_page_v2(GTF_permit_access, kDomAbsent, uint64_t{1} << 32)}) {
            table.put(reserved, entry);
            check_refused(c, ops, 1, -XEN_ERANGE, 2, "flags " + std::to_string(entry.hdr.flags));
            c.check_eq(table.v2(reserved).hdr.flags, entry.hdr.flags, "flags of the entry");
            c.check_eq(table.v2(GrantRef{50}).hdr.flags, GTF_transitive, "an ordinary entry");
          }
          table.put(reserved, full_page_v2(GTF_permit_access, kDomAbsent, 0xffffffff));
          c.check_eq(ops.set_version(1).result, 0, "with the largest frame that it can hold");
        },
}};

const Case kStatusMapped{{
    .slug = "grant.set_version.status_frame_mapped.by_guest_kind",
    .rule =
        "Back to version 1 while a status frame is mapped: EBUSY for a PV guest; an HVM guest's mapping is removed.",
    .source = "public/grant_table.h, GNTTABOP_set_version",
    .requirements = {"GNT-VER-008", "GNT-VER-009"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu());
          table.switch_to(2);
          const Gva status = table.status_frame(0);
          c.check_eq(c.vcpu().read<uint16_t>(status), 0u, "the status frame is mapped");
          if (c.pv()) {
            check_refused(c, ops, 1, -XEN_EBUSY, 2, "mapped");
            c.check_eq(c.vcpu().read<uint16_t>(status), 0u, "the mapping afterwards");
            table.unmap_status();
            c.check_eq(ops.set_version(1).result, 0, "not mapped any more");
          } else {
            c.check_eq(ops.set_version(1).result, 0, "mapped");
            c.check_eq(c.vcpu().read<uint16_t>(status), 0xffffu, "what is where the status frame was");
          }
          c.check_eq(version_of(ops), 1u, "version in the end");
        },
}};

const Case kStatusAfterRoundTrip{{
    .slug = "grant.set_version.down_and_up.status_fresh",
    .rule = "After 2, 1, 2 the status frames are there again, zero, and tell what happens from then on.",
    .source = "public/grant_table.h, GNTTABOP_get_status_frames",
    .requirements = {"GNT-VER-008", "GNT-V2-002", "GNT-VER-005"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, 2);
          pair.permit();
          pair.unmap(pair.map());
          pair.granter.write(pair.table.status_word(GrantRef{100}), uint16_t{0x55});
          pair.table.switch_to(1);
          pair.table.switch_to(2);
          c.check_eq(pair.table.status(GrantRef{100}), 0u, "a status word that was scribbled on before");
          pair.permit();
          const auto mapped = pair.map();
          c.check_eq(pair.table.status(kRef), kInUse, "status word of a mapped grant");
          pair.unmap(mapped);
          c.check_eq(pair.table.status(kRef), 0u, "status word in the end");
        },
}};

const Case kSetCount{{
    .slug = "grant.version.bad_pointer.efault",
    .rule = "A structure that cannot be read gives EFAULT, and the version stays.",
    .source = "public/grant_table.h, GNTTABOP_set_version",
    .requirements = {"GNT-OP-004", "GNT-VER-009"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          c.check_eq(ops.raw(GNTTABOP_set_version, Gva{0x0000'7000'0000'0000}), -XEN_EFAULT, "set_version");
          c.check_eq(ops.raw(GNTTABOP_get_version, Gva{0x0000'7000'0000'0000}), -XEN_EFAULT, "get_version");
          c.check_eq(version_of(ops), 1u, "version afterwards");
        },
}};

const Case kStatusFrames{{
    .slug = "grant.get_status_frames.success.lists",
    .rule =
        "get_status_frames lists the frames of the status words; more than there are, or any in version 1, is refused.",
    .source = "public/grant_table.h, GNTTABOP_get_status_frames",
    .requirements = {"GNT-V2-001", "GNT-V2-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const auto none = ops.get_status_frames(1);
          c.check_eq(none.result, 0, "version 1: result");
          c.check_eq(none.status, GNTST_general_error, "version 1: status");
          c.check_eq(none.frames[0], kUntouched64, "version 1: frame list");
          c.check_eq(ops.get_status_frames(0).status, GNTST_okay, "version 1, no frames: status");
          c.require_eq(ops.setup_table(9).status, GNTST_okay, "nine frames of entries, two of status");
          c.require_eq(ops.set_version(2).result, 0, "version 2");
          const auto two = ops.get_status_frames(2);
          c.check_eq(two.status, GNTST_okay, "two: status");
          c.check_ne(two.frames[0], two.frames[1], "the two frames");
          c.check_ne(two.frames[1], kUntouched64, "the second frame");
          c.check_eq(two.frames[2], kUntouched64, "what lies behind the list");
          const auto one = ops.get_status_frames(1);
          c.check_eq(one.status, GNTST_okay, "one: status");
          c.check_eq(one.frames[0], two.frames[0], "the first frame");
          c.check_eq(one.frames[1], kUntouched64, "what lies behind one");
          const auto over = ops.get_status_frames(3);
          c.check_eq(over.result, 0, "one too many: result");
          c.check_eq(over.status, GNTST_general_error, "one too many: status");
          c.check_eq(over.frames[0], kUntouched64, "one too many: frame list");
        },
}};

const Case kStatusForeign{{
    .slug = "grant.get_status_frames.foreign_domain.status",
    .rule = "An absent domain gives bad_domain, a foreign one permission_denied; a list that cannot be written "
            "bad_virt_addr.",
    .source = "public/grant_table.h, GNTTABOP_get_status_frames",
    .requirements = {"GNT-V2-001", "GNT-V2-003"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          c.require_eq(ops.set_version(2).result, 0, "version 2");
          GrantOps theirs(c.peer().vcpu(0));
          c.require_eq(theirs.set_version(2).result, 0, "version 2 of the peer");
          const auto absent = ops.get_status_frames(1, kDomAbsent);
          c.check_eq(absent.result, 0, "absent: result");
          c.check_eq(absent.status, GNTST_bad_domain, "absent: status");
          const auto foreign = ops.get_status_frames(1, c.peer().id());
          c.check_eq(foreign.result, 0, "foreign: result");
          c.check_eq(foreign.status, GNTST_permission_denied, "foreign: status");
          c.check_eq(foreign.frames[0], kUntouched64, "foreign: frame list");
          GrantOps control(c.dom0().vcpu(0));
          const auto own = theirs.get_status_frames(1);
          const auto told = control.get_status_frames(1, c.peer().id());
          c.check_eq(told.status, GNTST_okay, "told to dom0: status");
          c.check_eq(told.frames[0], own.frames[0], "the frame, told to dom0");
          Scratch memory(c.vcpu());
          gnttab_get_status_frames_t argument{};
          argument.dom = DOMID_SELF;
          argument.nr_frames = 1;
          argument.status = kUntouchedStatus;
          set_handle(argument.frame_list, Gva{0x0000'7000'0000'0000});
          const Gva at = memory.put(argument);
          c.check_eq(ops.raw(GNTTABOP_get_status_frames, at), 0, "bad list: result");
          c.check_eq(memory.get<gnttab_get_status_frames_t>().status, GNTST_bad_virt_addr, "bad list: status");
          for (const uint64_t count : {0u, 2u}) {
            c.check_eq(ops.raw(GNTTABOP_get_status_frames, at, count), -XEN_EINVAL, "count " + std::to_string(count));
          }
        },
}};

const Case kStatusGrows{{
    .slug = "grant.setup_table.v2_growth.status_grows_too",
    .rule = "A version 2 table that grows gets the status words for its new entries.",
    .source = "public/grant_table.h, GNTTABOP_get_status_frames",
    .requirements = {"GNT-V2-002", "GNT-V2-005", "GNT-SETUP-003"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, 2);
          const GrantRef last{9 * kRefsPerFrameV2 - 1};
          const GrantWindow at = pair.window();
          const GrantMap request{.host_addr = at.host_addr, .ref = last, .dom = pair.table.dom()};
          check_status(c, pair.ops.map(request), GNTST_bad_gntref, "before the table grows");
          pair.table.grow(9);
          pair.table.switch_to(2);
          pair.table.permit(last, pair.to(), pair.frame);
          const auto handle = must_map(c, pair.ops, request);
          c.check_eq(pair.table.status(last), kInUse, "status word of the last entry");
          must_unmap(c, pair.ops, handle, at);
          c.check_eq(pair.table.status(last), 0u, "status word in the end");
        },
}};

const Case kHalved{{
    .slug = "grant.version.entries_per_frame.half_in_v2",
    .rule = "A frame holds 512 entries of version 1 and 256 of version 2: a change of version halves the references.",
    .source = "public/grant_table.h, union grant_entry_v2",
    .requirements = {"GNT-V2-005", "GNT-MAP-005"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          const GrantWindow at = pair.window();
          const auto status_of = [&](uint32_t ref) {
            const auto done = pair.ops.map({.host_addr = at.host_addr, .ref = GrantRef{ref}, .dom = pair.table.dom()});
            return done.arg.status;
          };
          c.check_eq(status_of(kRefsPerFrameV1 - 1), GNTST_general_error, "the last one of version 1, invalid");
          c.check_eq(status_of(kRefsPerFrameV1), GNTST_bad_gntref, "one beyond");
          pair.table.switch_to(2);
          c.check_eq(status_of(kRefsPerFrameV2 - 1), GNTST_general_error, "the last one of version 2, invalid");
          c.check_eq(status_of(kRefsPerFrameV2), GNTST_bad_gntref, "one beyond");
          pair.table.permit(GrantRef{kRefsPerFrameV2 - 1}, pair.to(), pair.frame);
          c.check_eq(status_of(kRefsPerFrameV2 - 1), GNTST_okay, "the last one, granted");
        },
}};

}  // namespace
}  // namespace assay
