/// GNTTABOP_map_grant_ref as only PV guests see it: by their own page tables, and for devices.
#include <cstring>

#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/page_tables.hpp"
#include "conformance/guest/pv_mapping.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;
constexpr uint64_t kWritableBit = 2;

/// MMUEXT_PIN_L1_TABLE or UNPIN of a frame of the caller's.
int64_t mmuext(Vcpu& vcpu, unsigned command, Gfn frame) {
  Scratch memory(vcpu);
  mmuext_op op;
  std::memset(&op, 0, sizeof op);
  op.cmd = command;
  op.arg1.mfn = frame.raw();
  const Gva at = memory.put(op);
  return vcpu.hypercall(__HYPERVISOR_mmuext_op, {at.raw(), 1, 0, DOMID_SELF});
}

const Case kNoTable{{
    .slug = "grant.map.no_level_1_table.pv_general_error",
    .rule = "A PV guest that maps at an address without a level 1 table gets general_error, and nothing is left.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref note 2",
    .requirements = {"GNT-MAP-014", "GNT-MAP-020"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          for (const uint64_t va : {uint64_t{0x0000'7000'0000'0000}, uint64_t{0xffff'9000'0000'0000},
                                    uint64_t{0xffff'8300'0000'0000}, uint64_t{0}, uint64_t{0x0000'8000'0000'0000}}) {
            check_status(c, pair.ops.map(pair.request(va)), GNTST_general_error, "address " + show(va));
            c.check_eq(pair.table.in_use(kRef), 0u, "use of the entry");
          }
          GrantOps theirs(pair.granter);
          check_status(c, theirs.swap(kRef, GrantRef{30}), GNTST_okay, "swapping the entry, which is not pinned");
        },
}};

const Case kContainsPte{{
    .slug = "grant.map.contains_pte.pv_entry_changed",
    .rule = "With GNTMAP_contains_pte host_addr is the machine address of a page-table entry: that one maps the grant.",
    .source = "public/grant_table.h, GNTMAP_contains_pte",
    .requirements = {"GNT-MAP-015", "GNT-MAP-010"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          const LeafEntry entry = leaf_entry(pair.mapper.domain(), at.va);
          const uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte;
          const auto handle = must_map(c, pair.ops, pair.request(entry.machine, flags));
          c.check_eq(pair.mapper.read<uint64_t>(at.va), GrantPair::kGrantedWord, "what is mapped");
          pair.mapper.write(at.va, uint64_t{0x15});
          c.check_eq(pair.granter.read<uint64_t>(pair.page), 0x15u, "what was written through it");
          must_unmap(c, pair.ops, handle, {at.va, entry.machine});
          c.check_eq(leaf_entry(pair.mapper.domain(), at.va).value, 0u, "the entry in the end");
          c.check(nothing_there(pair.mapper, at), "nothing is mapped in the end");
        },
}};

const Case kUnalignedPte{{
    .slug = "grant.map.contains_pte_unaligned.pv_general_error",
    .rule = "The address of a page-table entry must be aligned to 8 bytes: general_error, and no entry changes.",
    .source = "public/grant_table.h, GNTMAP_contains_pte",
    .requirements = {"GNT-MAP-015", "GNT-MAP-020"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          const LeafEntry entry = leaf_entry(pair.mapper.domain(), at.va);
          for (const uint64_t off : {1u, 4u, 7u}) {
            const auto done = pair.ops.map(pair.request(entry.machine + off, GNTMAP_host_map | GNTMAP_contains_pte));
            check_status(c, done, GNTST_general_error, "off by " + std::to_string(off));
            c.check_eq(leaf_entry(pair.mapper.domain(), at.va).value, entry.value, "the entry");
            c.check_eq(pair.table.in_use(kRef), 0u, "use of the grant");
          }
        },
}};

const Case kNotATable{{
    .slug = "grant.map.contains_pte_not_level_1.pv_general_error",
    .rule = "An entry can only lie in a level 1 table of the mapper's own: anything else gives general_error.",
    .source = "public/grant_table.h, GNTMAP_contains_pte",
    .requirements = {"GNT-MAP-015", "GNT-MAP-020"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const Gva plain = c.guest().alloc_pages(1);
          const auto info = pair.mapper.read<start_info_t>(c.guest().space().start_info);
          const uint64_t root = c.guest().gfn_of(Gva{info.pt_base}).raw() << kPageShift;
          const uint64_t foreign = leaf_entry(pair.granter.domain(), pair.page).machine;
          for (const uint64_t machine :
               {c.guest().gfn_of(plain).raw() << kPageShift, root, foreign, uint64_t{1} << 45}) {
            const auto done = pair.ops.map(pair.request(machine, GNTMAP_host_map | GNTMAP_contains_pte));
            check_status(c, done, GNTST_general_error, "machine address " + show(machine));
            c.check_eq(pair.table.in_use(kRef), 0u, "use of the grant");
          }
          c.check_eq(pair.mapper.read<uint64_t>(plain), 0u, "the page that is no table");
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the granter's own mapping");
        },
}};

const Case kReplaces{{
    .slug = "grant.map.over_mapping.pv_old_reference_dropped",
    .rule = "A map over an existing mapping takes its place, and the page mapped before loses that reference.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref",
    .method = "A page with a writable mapping cannot become a page table; it can when the grant has taken its place.",
    .requirements = {"GNT-MAP-016"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const Gva va = c.guest().alloc_pages(1);
          const Gfn old = c.guest().gfn_of(va);
          c.check_ne(mmuext(pair.mapper, MMUEXT_PIN_L1_TABLE, old), 0, "pinning a page that is mapped writable");
          const auto handle = must_map(c, pair.ops, pair.request(va.raw()));
          c.require_eq(mmuext(pair.mapper, MMUEXT_TLB_FLUSH_LOCAL, Gfn{0}), 0, "flushing: a map does not");
          c.check_eq(pair.mapper.read<uint64_t>(va), GrantPair::kGrantedWord, "what is mapped");
          c.check_eq(mmuext(pair.mapper, MMUEXT_PIN_L1_TABLE, old), 0, "pinning the page that was mapped before");
          c.check_eq(mmuext(pair.mapper, MMUEXT_UNPIN_TABLE, old), 0, "unpinning it");
          must_unmap(c, pair.ops, handle, {va, va.raw()});
        },
}};

const Case kKeepsType{{
    .slug = "grant.map.writable.granter_cannot_make_it_a_table",
    .rule = "While a page is mapped writable by a grant its owner cannot make it a page table.",
    .source = "Xen 4.17, types of frames",
    .requirements = {"GNT-MAP-021"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.granter.write(pair.page, uint64_t{0});
          pair.permit();
          const auto writer = pair.map();
          c.require_eq(update_mapping(pair.granter, pair.page, 0), 0, "the granter's own mapping goes");
          c.check_eq(mmuext(pair.granter, MMUEXT_PIN_L1_TABLE, pair.frame), -XEN_EINVAL, "pinning, mapped writable");
          pair.unmap(writer);
          const auto reader = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          c.check_eq(mmuext(pair.granter, MMUEXT_PIN_L1_TABLE, pair.frame), 0, "pinning, mapped read-only");
          const GrantWindow second = pair.window();
          check_status(c, pair.ops.map(pair.request(second.host_addr)), GNTST_general_error,
                       "a writable map of a page table");
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use after that");
          pair.unmap(reader);
          c.check_eq(mmuext(pair.granter, MMUEXT_UNPIN_TABLE, pair.frame), 0, "unpinning");
          pair.unmap(pair.map());
        },
}};

const Case kEntryFlags{{
    .slug = "grant.map.page_table_entry.pv_flags",
    .rule = "The entry that maps a grant is present, writable unless read-only was asked for, and names the frame.",
    .source = "public/grant_table.h, GNTMAP_readonly",
    .requirements = {"GNT-MAP-010", "GNT-MAP-016"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kFrameMask = 0x000f'ffff'ffff'f000;
          GrantPair pair(c);
          pair.permit();
          for (const uint32_t flags : {0u, uint32_t{GNTMAP_readonly}, uint32_t{GNTMAP_application_map}}) {
            const auto mapped = pair.map(GNTMAP_host_map | flags);
            const uint64_t value = leaf_entry(pair.mapper.domain(), mapped.at.va).value;
            c.check_eq(value & kFrameMask, pair.frame.raw() << kPageShift, "the frame in the entry");
            c.check_eq(value & 1, 1u, "the present bit");
            c.check_eq(value & kWritableBit, flags & GNTMAP_readonly ? 0u : kWritableBit, "the writable bit");
            pair.unmap(mapped);
            c.check_eq(leaf_entry(pair.mapper.domain(), mapped.at.va).value, 0u, "the entry after the unmap");
          }
        },
}};

const Case kAvailBits{{
    .slug = "grant.map.guest_avail_bits.pv_in_entry",
    .rule = "The upper half of the flags goes into the available bits of the entry that maps the grant.",
    .source = "public/grant_table.h, GNTMAP_guest_avail_mask; public/features.h, XENFEAT_gnttab_map_avail_bits",
    .requirements = {"GNT-MAP-010"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kAvailable = 0xe00;
          GrantPair pair(c);
          pair.permit();
          for (const uint32_t bits : {1u, 2u, 4u, 7u}) {
            const auto mapped = pair.map(GNTMAP_host_map | bits << _GNTMAP_guest_avail0);
            const uint64_t value = leaf_entry(pair.mapper.domain(), mapped.at.va).value;
            c.check_eq(value & kAvailable, uint64_t{bits} << 9, "available bits of the entry");
            pair.unmap(mapped);
          }
        },
}};

const Case kDeviceAndHost{{
    .slug = "grant.unmap.device_and_host.pv_one_at_a_time",
    .rule = "A grant mapped for devices and the host is in use, and its handle taken, until both are unmapped.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref",
    .requirements = {"GNT-UNMAP-010", "GNT-UNMAP-003", "GNT-UNMAP-004", "GNT-UNMAP-007"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          for (const bool device_first : {true, false}) {
            const GrantWindow at = pair.window();
            const auto done = pair.ops.map(pair.request(at.host_addr, GNTMAP_host_map | GNTMAP_device_map));
            check_status(c, done, GNTST_okay, "both kinds at once");
            const uint64_t bus = done.arg.dev_bus_addr;
            c.check_eq(bus, pair.frame.raw() << kPageShift, "dev_bus_addr");
            check_status(c, pair.ops.unmap(done.arg.handle, at.host_addr, bus + kPageSize), GNTST_bad_dev_addr,
                         "a wrong device address");
            c.check_eq(pair.mapper.read<uint64_t>(at.va), GrantPair::kGrantedWord, "what is still mapped");
            c.check_eq(pair.table.in_use(kRef), kInUse, "use after the refusal");
            check_status(c, pair.ops.unmap(done.arg.handle, 0, 0), GNTST_okay, "neither kind");
            c.check_eq(pair.table.in_use(kRef), kInUse, "use after unmapping neither");
            check_status(c, pair.ops.unmap(done.arg.handle, device_first ? 0 : at.host_addr, device_first ? bus : 0),
                         GNTST_okay, "one kind");
            c.check_eq(pair.table.in_use(kRef), kInUse, "use by the other kind");
            c.check_eq(nothing_there(pair.mapper, at), !device_first, "nothing is mapped for the host");
            check_status(c, pair.ops.unmap(done.arg.handle, device_first ? at.host_addr : 0, device_first ? 0 : bus),
                         GNTST_okay, "the other kind");
            c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
            check_status(c, pair.ops.unmap(done.arg.handle, at.host_addr, bus), GNTST_bad_handle, "once more");
          }
        },
}};

const Case kDeviceOnly{{
    .slug = "grant.map.device_only.pv_no_mapping",
    .rule = "A device mapping alone puts nothing into the page tables, but has the grant in use.",
    .source = "public/grant_table.h, GNTMAP_device_map",
    .requirements = {"GNT-MAP-008", "GNT-UNMAP-010"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          const auto done = pair.ops.map(pair.request(at.host_addr, GNTMAP_device_map | GNTMAP_readonly));
          check_status(c, done, GNTST_okay, "the map");
          c.check(nothing_there(pair.mapper, at), "nothing is mapped");
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use of the grant");
          gnttab_copy_t copy{};
          copy.source.u.ref = kRef.raw();
          copy.source.domid = pair.table.dom().raw();
          copy.dest.u.gmfn = c.guest().gfn_of(c.guest().alloc_pages(1)).raw();
          copy.dest.domid = DOMID_SELF;
          copy.len = 8;
          copy.flags = GNTCOPY_source_gref;
          check_status(c, pair.ops.copy(copy), GNTST_okay, "a copy meanwhile");
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use after a copy came and went");
          check_status(c, pair.ops.unmap(done.arg.handle, 0, done.arg.dev_bus_addr), GNTST_okay, "the unmap");
          c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
        },
}};

}  // namespace
}  // namespace assay
