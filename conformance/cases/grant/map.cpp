/// GNTTABOP_map_grant_ref: what may be mapped, and what the granter sees of it. For guests of both kinds.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;

/// A refused request must have left the entry, the window, the handles and the pins alone.
void check_refused(GrantPair& pair, const GrantMap& in, const GrantWindow& at, int16_t status, std::string_view what) {
  CaseContext& c = pair.c;
  const uint16_t flags = in.ref == kRef ? pair.table.flags(kRef) : uint16_t{0};
  check_status(c, pair.ops.map(in), status, what);
  c.check(nothing_there(pair.mapper, at), std::string(what) + ": nothing is mapped");
  if (in.ref == kRef) c.check_eq(pair.table.flags(kRef), flags, std::string(what) + ": flags of the entry");
}

const Case kNoKind{{
    .slug = "grant.map.no_map_flag.bad_gntref",
    .rule = "A request for neither a host nor a device mapping gives bad_gntref.",
    .source = "public/grant_table.h, GNTMAP_host_map, GNTMAP_device_map",
    .requirements = {"GNT-MAP-001", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          for (const uint32_t flags : {0u, uint32_t{GNTMAP_readonly}, uint32_t{GNTMAP_application_map}}) {
            check_refused(pair, pair.request(at.host_addr, flags), at, GNTST_bad_gntref,
                          "flags " + std::to_string(flags));
          }
        },
}};

const Case kUnknownDomain{{
    .slug = "grant.map.absent_domain.bad_domain",
    .rule = "A granting domain that does not exist gives bad_domain; DOMID_SELF and other special ids are none.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref",
    .requirements = {"GNT-MAP-003", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          for (const DomId dom : {kDomAbsent, kDomSelf, kDomXen, kDomIo, kDomInvalid}) {
            const GrantMap in{.host_addr = at.host_addr, .ref = kRef, .dom = dom};
            check_refused(pair, in, at, GNTST_bad_domain, "domain " + std::to_string(dom.raw()));
          }
        },
}};

const Case kBeyondTable{{
    .slug = "grant.map.ref_beyond_table.bad_gntref",
    .rule = "A reference at or beyond the size of the table gives bad_gntref; one just below it is looked at.",
    .source = "public/grant_table.h, GNTST_bad_gntref",
    .requirements = {"GNT-MAP-005", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          const GrantWindow at = pair.window();
          for (const uint32_t ref : {kRefsPerFrameV1, kRefsPerFrameV1 + 1, 0x7fffffffu, 0xffffffffu}) {
            const GrantMap in{.host_addr = at.host_addr, .ref = GrantRef{ref}, .dom = pair.table.dom()};
            check_refused(pair, in, at, GNTST_bad_gntref, "reference " + std::to_string(ref));
          }
          const GrantMap last{.host_addr = at.host_addr, .ref = GrantRef{kRefsPerFrameV1 - 1}, .dom = pair.table.dom()};
          check_refused(pair, last, at, GNTST_general_error, "the last one, invalid");
          pair.table.permit(last.ref, pair.to(), pair.frame);
          must_unmap(c, pair.ops, must_map(c, pair.ops, last), at);
        },
}};

const Case kNotGranted{{
    .slug = "grant.map.not_granted_to_caller.general_error",
    .rule =
        "An entry that is invalid, of another type, or names another domain gives general_error and keeps its flags.",
    .source = "public/grant_table.h, GTF_permit_access",
    .requirements = {"GNT-MAP-006", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          const GrantWindow at = pair.window();
          const auto frame = static_cast<uint32_t>(pair.frame.raw());
          const grant_entry_v1_t entries[] = {
              entry_v1(GTF_invalid, pair.to(), frame),
              entry_v1(GTF_accept_transfer, pair.to(), frame),
              entry_v1(GTF_transitive, pair.to(), frame),
              entry_v1(GTF_permit_access, kDomAbsent, frame),
              entry_v1(GTF_permit_access, pair.table.dom(), frame),
              entry_v1(GTF_permit_access, kDomSelf, frame),
          };
          for (const auto& entry : entries) {
            pair.table.put(kRef, entry);
            check_refused(pair, pair.request(at.host_addr), at, GNTST_general_error,
                          "flags " + std::to_string(entry.flags) + " for domain " + std::to_string(entry.domid));
            check_refused(pair, pair.request(at.host_addr, GNTMAP_host_map | GNTMAP_readonly), at, GNTST_general_error,
                          "read-only, flags " + std::to_string(entry.flags));
          }
        },
}};

const Case kReadonlyEntry{{
    .slug = "grant.map.writable_of_readonly.general_error",
    .rule = "A read-only entry cannot be mapped writable: general_error. It can be mapped read-only.",
    .source = "public/grant_table.h, GTF_readonly",
    .requirements = {"GNT-MAP-007", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit(GTF_readonly);
          const GrantWindow at = pair.window();
          check_refused(pair, pair.request(at.host_addr), at, GNTST_general_error, "a writable map");
          const auto handle = must_map(c, pair.ops, pair.request(at.host_addr, GNTMAP_host_map | GNTMAP_readonly));
          c.check_eq(pair.mapper.read<uint64_t>(at.va), GrantPair::kGrantedWord, "what the mapper reads");
          c.check_eq(pair.table.flags(kRef), GTF_permit_access | GTF_readonly | GTF_reading, "flags of the entry");
          must_unmap(c, pair.ops, handle, at);
          c.check_eq(pair.table.flags(kRef), GTF_permit_access | GTF_readonly, "flags in the end");
        },
}};

/// Both kinds of map of a fresh entry, in a table of `version`.
void check_status_bits(CaseContext& c, uint32_t version) {
  GrantPair pair(c, version);
  pair.permit();
  const uint16_t flags = pair.table.flags(kRef);
  const auto reader = pair.map(GNTMAP_host_map | GNTMAP_readonly);
  c.check_eq(pair.table.in_use(kRef), GTF_reading, "use by a read-only map");
  pair.unmap(reader);
  c.check_eq(pair.table.in_use(kRef), 0u, "use after its unmap");
  const auto writer = pair.map();
  c.check_eq(pair.table.in_use(kRef), kInUse, "use by a writable map");
  if (version == 2) c.check_eq(pair.table.flags(kRef), flags, "the flags word of a version 2 entry");
  pair.unmap(writer);
  c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
  c.check_eq(pair.table.flags(kRef), flags, "flags word in the end");
}

const Case kStatusV1{{
    .slug = "grant.map.success.v1_flags_tell",
    .rule = "A map sets GTF_reading in the entry's flags, a writable one GTF_writing too.",
    .source = "public/grant_table.h, GTF_reading, GTF_writing",
    .requirements = {"GNT-MAP-008", "GNT-UNMAP-007"},
    .needs = {Capability::kTwoGuests},
    .body = [](CaseContext& c) { check_status_bits(c, 1); },
}};

const Case kStatusV2{{
    .slug = "grant.map.success.v2_status_tells",
    .rule = "In version 2 a map sets the bits in the status word; the flags word is the guest's alone.",
    .source = "public/grant_table.h, GNTTABOP_get_status_frames",
    .requirements = {"GNT-MAP-008", "GNT-V2-002", "GNT-V2-004", "GNT-UNMAP-007"},
    .needs = {Capability::kTwoGuests},
    .body = [](CaseContext& c) { check_status_bits(c, 2); },
}};

const Case kSharesMemory{{
    .slug = "grant.map.writable.memory_is_shared",
    .rule = "A mapped grant is the granter's own page: what either side writes, the other reads.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref",
    .requirements = {"GNT-MAP-010", "GNT-MAP-017"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), GrantPair::kGrantedWord, "what the granter wrote");
          pair.mapper.write(mapped.at.va + 4088, uint64_t{0x55});
          c.check_eq(pair.granter.read<uint64_t>(pair.page + 4088), 0x55u, "what the mapper wrote");
          pair.granter.write(pair.page + 8, uint64_t{0x66});
          c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va + 8), 0x66u, "what the granter wrote later");
          pair.unmap(mapped);
          c.check(nothing_there(pair.mapper, mapped.at), "nothing is mapped in the end");
        },
}};

const Case kReadonlyMap{{
    .slug = "grant.map.readonly.writes_do_not_arrive",
    .rule = "Through a read-only mapping the page cannot be changed.",
    .source = "public/grant_table.h, GNTMAP_readonly",
    .method = "A write faults for a PV guest; what an HVM guest writes to a read-only frame is lost.",
    .requirements = {"GNT-MAP-008", "GNT-MAP-017"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), GrantPair::kGrantedWord, "what is read");
          const uint64_t word = 0x77;
          const auto fault = pair.mapper.write_bytes(mapped.at.va, std::as_bytes(std::span(&word, 1)));
          if (c.pv()) c.check(fault && fault->vector == 14, "a PV guest's write faults");
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the page");
          pair.unmap(mapped);
        },
}};

const Case kHandleOnce{{
    .slug = "grant.map.handle.usable_once",
    .rule = "The handle unmaps once: then it is free, and a second unmap gives bad_handle.",
    .source = "public/grant_table.h, grant_handle_t",
    .requirements = {"GNT-MAP-010", "GNT-UNMAP-001", "GNT-UNMAP-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto other = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          const auto mapped = pair.map();
          pair.unmap(mapped);
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use by the other map");
          check_status(c, pair.ops.unmap(mapped.handle, mapped.at.host_addr), GNTST_bad_handle, "a second unmap");
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use after the second unmap");
          c.check_eq(pair.mapper.read<uint64_t>(other.at.va), GrantPair::kGrantedWord, "the other map");
          pair.unmap(other);
          c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
        },
}};

const Case kDeviceAddress{{
    .slug = "grant.map.success.dev_bus_addr",
    .rule = "dev_bus_addr of a map is the machine address of the granted frame, for mappers of both kinds.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref note 1",
    .method = "The granter is a PV guest, which knows machine frames.",
    .requirements = {"GNT-MAP-010"},
    .needs = {Capability::kTwoGuests, Capability::kPv64Guest},
    .body =
        [](CaseContext& c) {
          GuestSpec spec = c.guest_spec();
          spec.type = GuestType::kPv64;
          Vcpu& mapper = c.vcpu();
          GrantPair pair(c, mapper, c.guest(spec).vcpu(0));
          pair.permit();
          const GrantWindow at = pair.window();
          const auto done = pair.ops.map(pair.request(at.host_addr));
          check_status(c, done, GNTST_okay, "the map");
          c.check_eq(done.arg.dev_bus_addr, pair.frame.raw() << kPageShift, "dev_bus_addr");
          must_unmap(c, pair.ops, done.arg.handle, at);
        },
}};

const Case kAgain{{
    .slug = "grant.map.same_ref_again.own_handle_and_pin",
    .rule =
        "A reference may be mapped again and again: each map has its own handle and keeps the grant in use by itself.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref",
    .requirements = {"GNT-MAP-011", "GNT-UNMAP-007"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          std::vector<GrantPair::Mapped> maps;
          for (int i = 0; i < 3; ++i) maps.push_back(pair.map());
          c.check_ne(maps[0].handle, maps[1].handle, "handles 0 and 1");
          c.check_ne(maps[0].handle, maps[2].handle, "handles 0 and 2");
          c.check_ne(maps[1].handle, maps[2].handle, "handles 1 and 2");
          for (const auto& mapped : maps) {
            c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), GrantPair::kGrantedWord, "what is mapped");
          }
          pair.unmap(maps[1]);
          c.check_eq(pair.table.in_use(kRef), kInUse, "use by two maps");
          pair.unmap(maps[0]);
          c.check_eq(pair.table.in_use(kRef), kInUse, "use by one map");
          c.check_eq(pair.mapper.read<uint64_t>(maps[2].at.va), GrantPair::kGrantedWord, "what is still mapped");
          pair.unmap(maps[2]);
          c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
        },
}};

const Case kMixedPins{{
    .slug = "grant.unmap.writers_then_readers.bits_follow",
    .rule = "GTF_writing goes with the last writable map, GTF_reading with the last map of all.",
    .source = "public/grant_table.h, GTF_reading, GTF_writing",
    .requirements = {"GNT-UNMAP-007"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto reader = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          const auto writer = pair.map();
          const auto second = pair.map();
          c.check_eq(pair.table.in_use(kRef), kInUse, "a reader and two writers");
          pair.unmap(writer);
          c.check_eq(pair.table.in_use(kRef), kInUse, "a reader and a writer");
          pair.unmap(second);
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "a reader");
          pair.unmap(reader);
          c.check_eq(pair.table.in_use(kRef), 0u, "nobody");
          const auto first = pair.map();
          const auto last = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          pair.unmap(last);
          c.check_eq(pair.table.in_use(kRef), kInUse, "a writer, after a reader went");
          pair.unmap(first);
          c.check_eq(pair.table.in_use(kRef), 0u, "nobody, in the end");
        },
}};

const Case kBadFrame{{
    .slug = "grant.map.frame_not_memory.bad_page",
    .rule =
        "An entry whose frame is no memory of the granter's cannot be mapped, and the entry is not in use afterwards.",
    .source = "public/grant_table.h, GNTST_bad_page",
    .requirements = {"GNT-MAP-013", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          const GrantWindow at = pair.window();
          const uint64_t foreign = c.pv() ? c.guest().gfn_of(c.guest().alloc_pages(1)).raw() : 0x9000u;
          for (const uint64_t frame : {uint64_t{0xffffffff}, uint64_t{0xfffffff}, foreign}) {
            pair.table.permit(kRef, pair.to(), Gfn{frame});
            check_status(c, pair.ops.map(pair.request(at.host_addr)), GNTST_bad_page, "frame " + std::to_string(frame));
            c.check(nothing_there(pair.mapper, at), "nothing is mapped");
            c.check_eq(pair.table.in_use(kRef), 0u, "use of the entry");
          }
          pair.permit();
          const auto handle = must_map(c, pair.ops, pair.request(at.host_addr));
          must_unmap(c, pair.ops, handle, at);
        },
}};

const Case kRevokedWhileMapped{{
    .slug = "grant.map.revoked_while_mapped.stays_mapped",
    .rule = "A mapping outlives its entry: clearing the flags takes nothing away from who has mapped the page already.",
    .source = "public/grant_table.h, Invalidating an in-use GTF_permit_access entry",
    .requirements = {"GNT-MAP-022"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          pair.table.revoke(kRef);
          pair.mapper.write(mapped.at.va, uint64_t{0x99});
          c.check_eq(pair.granter.read<uint64_t>(pair.page), 0x99u, "a write through the old mapping");
          pair.unmap(mapped);
          c.check(nothing_there(pair.mapper, mapped.at), "nothing is mapped in the end");
          c.check_eq(pair.table.flags(kRef), 0u, "flags of the entry in the end");
          check_refused(pair, pair.request(mapped.at.host_addr), mapped.at, GNTST_general_error, "a map afterwards");
        },
}};

const Case kOwnGrant{{
    .slug = "grant.map.own_grant.by_number",
    .rule = "A guest may map what it grants itself, by its own number.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref",
    .requirements = {"GNT-MAP-023"},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, c.vcpu(), c.vcpu());
          pair.permit();
          const auto mapped = pair.map();
          c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), GrantPair::kGrantedWord, "what is mapped");
          c.check_eq(pair.table.in_use(kRef), kInUse, "use of the entry");
          pair.mapper.write(mapped.at.va, uint64_t{0x42});
          // An HVM guest's page has moved to the new frame: it has but one in the second-stage tables.
          if (c.pv()) c.check_eq(pair.granter.read<uint64_t>(pair.page), 0x42u, "a write through the mapping");
          pair.unmap(mapped);
          c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
        },
}};

const Case kOtherKind{{
    .slug = "grant.map.guest_of_other_kind.memory_is_shared",
    .rule = "Grants work between PV and HVM guests alike.",
    .source = "public/grant_table.h: fully virtualised memory",
    .requirements = {"GNT-MAP-008", "GNT-MAP-010"},
    .needs = {Capability::kTwoGuests, Capability::kPv64Guest, Capability::kPvhGuest},
    .body =
        [](CaseContext& c) {
          GuestSpec spec = c.guest_spec();
          spec.type = c.pv() ? GuestType::kPvh : GuestType::kPv64;
          Domain& other = c.guest(spec);
          GrantPair pair(c, c.vcpu(), other.vcpu(0));
          pair.permit();
          const auto mapped = pair.map();
          c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), GrantPair::kGrantedWord, "what the granter wrote");
          pair.mapper.write(mapped.at.va, uint64_t{0x31});
          c.check_eq(pair.granter.read<uint64_t>(pair.page), 0x31u, "what the mapper wrote");
          c.check_eq(pair.table.in_use(kRef), kInUse, "use of the entry");
          pair.unmap(mapped);
          c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
        },
}};

const Case kNotMappableV2{{
    .slug = "grant.map.sub_page_or_transitive.general_error",
    .rule = "Grants of a part of a page and transitive grants can be copied from, not mapped: general_error.",
    .source = "public/grant_table.h, GTF_sub_page, GTF_transitive: No mappings are allowed",
    .requirements = {"GNT-MAP-009", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c, 2);
          const GrantWindow at = pair.window();
          const grant_entry_v2_t entries[] = {
              sub_page_v2(0, pair.to(), pair.frame.raw(), 0, 128),
              sub_page_v2(0, pair.to(), pair.frame.raw(), 0, 4096),
              transitive_v2(0, pair.to(), pair.table.dom(), GrantRef{10}),
          };
          pair.table.permit(GrantRef{10}, pair.to(), pair.frame);
          for (const auto& entry : entries) {
            pair.table.put(kRef, entry);
            for (const uint32_t flags : {uint32_t{GNTMAP_host_map}, uint32_t{GNTMAP_host_map | GNTMAP_readonly}}) {
              check_refused(pair, pair.request(at.host_addr, flags), at, GNTST_general_error,
                            "flags " + std::to_string(entry.hdr.flags));
            }
            c.check_eq(pair.table.status(kRef), 0u, "status word");
          }
          pair.permit();
          must_unmap(c, pair.ops, must_map(c, pair.ops, pair.request(at.host_addr)), at);
        },
}};

const Case kRolledBack{{
    .slug = "grant.map.failure.no_pin_left",
    .rule =
        "A failed map leaves no pin: the entry can be swapped and the version changed, as if it had never been tried.",
    .source = "public/grant_table.h, GNTTABOP_set_version: while no grants are active",
    .method = "Each kind of failure, then what a pinned entry would forbid.",
    .requirements = {"GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          GrantOps theirs(pair.granter);
          const GrantWindow at = pair.window();
          pair.table.permit(GrantRef{20}, pair.to(), Gfn{0xffffffff});
          pair.table.permit(GrantRef{21}, kDomAbsent, pair.frame);
          pair.table.permit(GrantRef{22}, pair.to(), pair.frame, GTF_readonly);
          for (const uint32_t ref : {20u, 21u, 22u, 23u}) {
            const auto done = pair.ops.map({.host_addr = at.host_addr, .ref = GrantRef{ref}, .dom = pair.table.dom()});
            c.check(done.arg.status < 0, "reference " + std::to_string(ref) + " cannot be mapped");
            check_status(c, theirs.swap(GrantRef{ref}, GrantRef{30}), GNTST_okay, "swapping it");
          }
          c.check_eq(theirs.set_version(2).result, 0, "changing the version");
        },
}};

const Case kHandlesNotLost{{
    .slug = "grant.map.failure.no_handle_lost",
    .rule = "A failed map takes no handle: more failures than there are handles, and a map still works.",
    .source = "public/grant_table.h, GNTST_no_space",
    .requirements = {"GNT-MAP-020", "GNT-MAP-004"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GuestSpec spec = c.guest_spec();
          spec.max_maptrack_frames = 1;
          Vcpu& mapper = c.guest(spec).vcpu(0);
          GrantPair pair(c, mapper, c.vcpu());
          const GrantWindow at = pair.window();
          const GrantRef bad_frame{20};
          const GrantRef beyond{kRefsPerFrameV1};
          pair.table.permit(bad_frame, pair.to(), Gfn{0xffffffff});
          std::vector<gnttab_map_grant_ref_t> maps;
          for (int i = 0; i < 130; ++i) {
            for (const GrantRef ref : {kRef, bad_frame, beyond}) {
              maps.push_back(GrantOps::map_request({.host_addr = at.host_addr, .ref = ref, .dom = pair.table.dom()}));
            }
          }
          c.require_eq(pair.ops.array(GNTTABOP_map_grant_ref, maps), 0, "result of the maps");
          for (const auto& map : maps)
            c.check(map.status < 0 && map.status != GNTST_no_space, "a map fails, not for room");
          pair.permit();
          must_unmap(c, pair.ops, must_map(c, pair.ops, pair.request(at.host_addr)), at);
        },
}};

const Case kNoHandles{{
    .slug = "grant.map.handles_used_up.no_space",
    .rule = "A domain has as many handles as its maptrack frames hold: then no_space, until one is given back.",
    .source = "public/grant_table.h, GNTST_no_space; public/domctl.h, max_maptrack_frames",
    .requirements = {"GNT-MAP-004", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kRefs = 4;
          constexpr uint64_t kBeyondMemory = 0x10000;
          GuestSpec spec = c.guest_spec();
          spec.max_maptrack_frames = 1;
          Vcpu& mapper = c.guest(spec).vcpu(0);
          GrantPair pair(c, mapper, c.vcpu());
          const uint32_t kind = c.pv() ? GNTMAP_device_map : GNTMAP_host_map;
          std::vector<gnttab_map_grant_ref_t> maps;
          for (uint32_t i = 0; i < kRefs * 100; ++i) {
            const GrantRef ref{9 + i / 100};
            pair.table.permit(ref, pair.to(), pair.frame);
            // A device mapping needs no place; HVM guests have none of these, but room behind their memory.
            maps.push_back(GrantOps::map_request(
                {.host_addr = (kBeyondMemory + i) << kPageShift, .ref = ref, .dom = pair.table.dom(), .flags = kind}));
          }
          c.require_eq(pair.ops.array(GNTTABOP_map_grant_ref, maps), 0, "result of the maps");
          size_t made = 0;
          while (made < maps.size() && maps[made].status == GNTST_okay) ++made;
          c.require(made > 0 && made < maps.size(), "some maps worked, some did not");
          for (size_t i = made; i < maps.size(); ++i) c.check_eq(maps[i].status, GNTST_no_space, "one too many");
          const auto& last = maps[made - 1];
          const auto gone = pair.ops.unmap(last.handle, c.pv() ? 0 : last.host_addr, c.pv() ? last.dev_bus_addr : 0);
          check_status(c, gone, GNTST_okay, "giving one back");
          auto again = pair.ops.map(
              {.host_addr = last.host_addr, .ref = GrantRef{last.ref}, .dom = pair.table.dom(), .flags = last.flags});
          check_status(c, again, GNTST_okay, "a map in its place");
        },
}};

const Case kPinLimit{{
    .slug = "grant.map.pins_of_one_kind.at_most_128",
    .rule = "A reference takes 128 maps of one kind; the next fails and changes nothing, another kind still works.",
    .source = "public/grant_table.h, GNTST_general_error",
    .requirements = {"GNT-MAP-012", "GNT-MAP-020"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kPinsMax = 128;
          constexpr uint64_t kBeyondMemory = 0x10000;
          GrantPair pair(c);
          pair.permit();
          const uint32_t kind = c.pv() ? GNTMAP_device_map : GNTMAP_host_map;
          std::vector<gnttab_map_grant_ref_t> maps;
          for (uint32_t i = 0; i < kPinsMax + 2; ++i) {
            maps.push_back(
                GrantOps::map_request(pair.request((kBeyondMemory + i) << kPageShift, kind | GNTMAP_readonly)));
          }
          c.require_eq(pair.ops.array(GNTTABOP_map_grant_ref, maps), 0, "result of the maps");
          for (uint32_t i = 0; i < maps.size(); ++i) {
            c.check_eq(maps[i].status, i < kPinsMax ? GNTST_okay : GNTST_general_error, "map " + std::to_string(i));
          }
          const auto writer = pair.map();
          c.check_eq(pair.table.in_use(kRef), kInUse, "use with a writable map beside");
          pair.unmap(writer);
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use by the readers");
          std::vector<gnttab_unmap_grant_ref_t> unmaps;
          for (uint32_t i = 0; i < kPinsMax; ++i) {
            unmaps.push_back(GrantOps::unmap_request(maps[i].handle, c.pv() ? 0 : maps[i].host_addr,
                                                     c.pv() ? maps[i].dev_bus_addr : 0));
          }
          std::span all(unmaps);
          c.check_eq(pair.ops.array(GNTTABOP_unmap_grant_ref, all.first(1)), 0, "result of one unmap");
          check_status(c, pair.ops.map(pair.request(kBeyondMemory << kPageShift, kind | GNTMAP_readonly)), GNTST_okay,
                       "a map in its place");
          c.check_eq(pair.ops.array(GNTTABOP_unmap_grant_ref, all.subspan(1)), 0, "result of the unmaps");
          for (const auto& unmap : unmaps) c.check_eq(unmap.status, GNTST_okay, "status of an unmap");
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use by the last one");
        },
}};

const Case kInUseByOther{{
    .slug = "grant.map.in_use_by_other.general_error",
    .rule = "While one domain uses a grant no other can map it, whatever the entry says meanwhile.",
    .source = "public/grant_table.h, grant_entry_v1",
    .requirements = {"GNT-MAP-006"},
    .needs = {Capability::kThreeGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit(GTF_readonly);
          const auto mapped = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          GrantOps others(c.third().vcpu(0));
          const GrantWindow at = grant_window(c, c.third().vcpu(0));
          const GrantMap request{.host_addr = at.host_addr,
                                 .ref = kRef,
                                 .dom = pair.table.dom(),
                                 .flags = GNTMAP_host_map | GNTMAP_readonly};
          check_status(c, others.map(request), GNTST_general_error, "a domain that the entry does not name");
          c.check(nothing_there(others.vcpu(), at), "nothing is mapped there");
          pair.unmap(mapped);
          check_status(c, others.map(request), GNTST_general_error, "the same when nobody uses it");
        },
}};

}  // namespace
}  // namespace assay
