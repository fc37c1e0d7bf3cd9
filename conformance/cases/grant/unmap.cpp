/// GNTTABOP_unmap_grant_ref and unmap_and_replace.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/page_tables.hpp"
#include "conformance/guest/pv_mapping.hpp"

namespace assay {
namespace {

constexpr GrantRef kRef = GrantPair::kRef;

void check_still_mapped(GrantPair& pair, const GrantPair::Mapped& mapped, std::string_view what) {
  pair.c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), GrantPair::kGrantedWord, what);
  pair.c.check_eq(pair.table.in_use(kRef), kInUse, std::string(what) + ": use of the grant");
}

const Case kBadHandle{{
    .slug = "grant.unmap.unknown_handle.bad_handle",
    .rule = "A handle that is out of range or not in use gives bad_handle, and no mapping goes.",
    .source = "public/grant_table.h, GNTST_bad_handle",
    .requirements = {"GNT-UNMAP-001"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          for (const grant_handle_t handle :
               {mapped.handle + 1, mapped.handle + 200, 0x00ffffffu, 0x7fffffffu, 0xffffffffu}) {
            check_status(c, pair.ops.unmap(handle, mapped.at.host_addr), GNTST_bad_handle, "handle " + show(handle));
          }
          check_still_mapped(pair, mapped, "the mapping");
          pair.unmap(mapped);
        },
}};

const Case kNeverMapped{{
    .slug = "grant.unmap.never_mapped.bad_handle",
    .rule = "A domain that has never mapped a grant has no handle: bad_handle for every one, 0 included.",
    .source = "public/grant_table.h, GNTST_bad_handle",
    .requirements = {"GNT-UNMAP-001"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const grant_handle_t handle : {0u, 1u, 255u, 256u, 100000u}) {
            check_status(c, ops.unmap(handle, 0x1000), GNTST_bad_handle, "handle " + show(handle));
          }
        },
}};

const Case kForeignHandle{{
    .slug = "grant.unmap.handle_of_other_domain.bad_handle",
    .rule = "A handle belongs to its mapper: the granter cannot unmap by it.",
    .source = "public/grant_table.h, grant_handle_t",
    .requirements = {"GNT-UNMAP-001"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          GrantOps theirs(pair.granter);
          check_status(c, theirs.unmap(mapped.handle, mapped.at.host_addr), GNTST_bad_handle, "the granter's try");
          check_still_mapped(pair, mapped, "the mapping");
          pair.unmap(mapped);
        },
}};

const Case kNoHostAddress{{
    .slug = "grant.unmap.no_host_address.mapping_stays",
    .rule = "A host_addr of 0 means no host mapping: it stays, and the status is okay.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref: if zero, that field is ignored",
    .requirements = {"GNT-UNMAP-004"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          check_status(c, pair.ops.unmap(mapped.handle, 0), GNTST_okay, "unmapping nothing");
          check_still_mapped(pair, mapped, "the mapping");
          pair.unmap(mapped);
          c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
        },
}};

const Case kNoDevicePart{{
    .slug = "grant.unmap.device_address_of_host_map.ignored",
    .rule = "A mapping without a device part has no device address to compare: dev_bus_addr is ignored.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref",
    .requirements = {"GNT-UNMAP-003"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          check_status(c, pair.ops.unmap(mapped.handle, 0, 0x123000), GNTST_okay, "a device address alone");
          check_still_mapped(pair, mapped, "the mapping");
          check_status(c, pair.ops.unmap(mapped.handle, mapped.at.host_addr, 0x123000), GNTST_okay, "both");
          c.check(nothing_there(pair.mapper, mapped.at), "nothing is mapped in the end");
          c.check_eq(pair.table.in_use(kRef), 0u, "use in the end");
        },
}};

const Case kWrongPlacePv{{
    .slug = "grant.unmap.wrong_host_address.pv_general_error",
    .rule =
        "A host_addr where the granted frame is not mapped gives a PV guest general_error, and nothing is unmapped.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref",
    .requirements = {"GNT-UNMAP-005"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          const GrantWindow empty = pair.window();
          const Gva other = c.guest().alloc_pages(1);
          pair.mapper.write(other, uint64_t{3});
          for (const uint64_t va : {empty.host_addr, other.raw(), uint64_t{0x0000'7000'0000'0000}}) {
            check_status(c, pair.ops.unmap(mapped.handle, va), GNTST_general_error, "address " + show(va));
            check_still_mapped(pair, mapped, "the mapping");
          }
          c.check_eq(pair.mapper.read<uint64_t>(other), 3u, "the other page");
          pair.unmap(mapped);
        },
}};

const Case kOtherRightsPv{{
    .slug = "grant.unmap.entry_with_other_rights.pv_general_error",
    .rule = "An entry that maps the granted frame, but not as it was mapped, is not the mapping: general_error.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref",
    .method = "One page is mapped read-only and writable; each handle is tried at the other's address.",
    .requirements = {"GNT-UNMAP-005"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto writer = pair.map();
          const auto reader = pair.map(GNTMAP_host_map | GNTMAP_readonly);
          check_status(c, pair.ops.unmap(writer.handle, reader.at.host_addr), GNTST_general_error,
                       "the writer's handle");
          check_status(c, pair.ops.unmap(reader.handle, writer.at.host_addr), GNTST_general_error,
                       "the reader's handle");
          c.check_eq(pair.table.in_use(kRef), kInUse, "use of the grant");
          check_still_mapped(pair, writer, "the writable mapping");
          check_still_mapped(pair, {reader.at, reader.handle}, "the read-only mapping");
          pair.unmap(writer);
          c.check_eq(pair.table.in_use(kRef), GTF_reading, "use by the reader");
          pair.unmap(reader);
        },
}};

const Case kWrongPlaceHvm{{
    .slug = "grant.unmap.wrong_host_address.hvm_general_error",
    .rule = "A guest frame that does not hold the grant gives an HVM guest general_error, and nothing is unmapped.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref",
    .requirements = {"GNT-UNMAP-006"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          const GrantWindow empty = pair.window();
          const Gva other = c.guest().alloc_pages(1);
          pair.mapper.write(other, uint64_t{3});
          const uint64_t own = c.guest().pfn_of(other).raw() << kPageShift;
          for (const uint64_t address : {empty.host_addr, own, uint64_t{1} << 40}) {
            check_status(c, pair.ops.unmap(mapped.handle, address), GNTST_general_error, "address " + show(address));
            check_still_mapped(pair, mapped, "the mapping");
          }
          c.check_eq(pair.mapper.read<uint64_t>(other), 3u, "the other page");
          pair.unmap(mapped);
        },
}};

const Case kOtherGrantHvm{{
    .slug = "grant.unmap.frame_of_other_grant.hvm_general_error",
    .rule = "A handle does not unmap another grant that is mapped where host_addr says.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref",
    .requirements = {"GNT-UNMAP-006", "GNT-UNMAP-005"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          const GrantRef second{11};
          const Gva page = pair.granter.domain().alloc_pages(1);
          pair.granter.write(page, uint64_t{0x1111});
          pair.table.permit(second, pair.to(), pair.granter.domain().gfn_of(page));
          const GrantWindow at = pair.window();
          const auto handle =
              must_map(c, pair.ops, {.host_addr = at.host_addr, .ref = second, .dom = pair.table.dom()});
          check_status(c, pair.ops.unmap(mapped.handle, at.host_addr), GNTST_general_error, "at the other's place");
          c.check_eq(pair.mapper.read<uint64_t>(at.va), 0x1111u, "the other mapping");
          c.check_eq(pair.table.in_use(second), kInUse, "its use");
          check_still_mapped(pair, mapped, "the mapping");
          must_unmap(c, pair.ops, handle, at);
          pair.unmap(mapped);
        },
}};

const Case kNoStaleTlb{{
    .slug = "grant.unmap.other_vcpu.no_stale_mapping",
    .rule = "After unmaps no vCPU reaches the page by an old mapping.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref note 3",
    .method = "Two vCPUs read through 40 mappings, one unmaps them all in a batch: then neither reads the page.",
    .requirements = {"GNT-UNMAP-008"},
    .needs = {Capability::kTwoGuests},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          constexpr size_t kMaps = 40;
          GrantPair pair(c);
          pair.permit();
          Vcpu& second = c.vcpu(1);
          std::vector<GrantPair::Mapped> maps;
          std::vector<gnttab_unmap_grant_ref_t> unmaps;
          for (size_t i = 0; i < kMaps; ++i) {
            maps.push_back(pair.map());
            unmaps.push_back(GrantOps::unmap_request(maps[i].handle, maps[i].at.host_addr));
            for (Vcpu* vcpu : {&pair.mapper, &second}) {
              c.check_eq(vcpu->read<uint64_t>(maps[i].at.va), GrantPair::kGrantedWord, "what is mapped");
            }
          }
          c.require_eq(pair.ops.array(GNTTABOP_unmap_grant_ref, unmaps), 0, "result of the unmaps");
          c.check_eq(pair.table.in_use(kRef), 0u, "use of the grant");
          for (const auto& mapped : maps) {
            c.check(nothing_there(second, mapped.at), "nothing is mapped for the other vCPU");
            c.check(nothing_there(pair.mapper, mapped.at), "nothing is mapped for the caller");
          }
        },
}};

const Case kReplace{{
    .slug = "grant.unmap_and_replace.success.mapping_moves",
    .rule = "unmap_and_replace unmaps the grant and puts in its place what was mapped at new_addr, which is cleared.",
    .source = "public/grant_table.h, GNTTABOP_unmap_and_replace",
    .requirements = {"GNT-UNMAP-012"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          const Gva replacement = c.guest().alloc_pages(1);
          pair.mapper.write(replacement, uint64_t{0x2222});
          const uint64_t entry = leaf_entry(pair.mapper.domain(), replacement).value;
          check_status(c, pair.ops.unmap_and_replace(mapped.handle, mapped.at.host_addr, replacement.raw()), GNTST_okay,
                       "replacing");
          c.check_eq(pair.mapper.read<uint64_t>(mapped.at.va), 0x2222u, "what is mapped where the grant was");
          c.check_eq(leaf_entry(pair.mapper.domain(), mapped.at.va).value, entry, "its entry");
          c.check_eq(leaf_entry(pair.mapper.domain(), replacement).value, 0u, "the entry of new_addr");
          c.check(nothing_there(pair.mapper, {replacement, replacement.raw()}), "nothing is mapped at new_addr");
          c.check_eq(pair.table.in_use(kRef), 0u, "use of the grant");
          check_status(c, pair.ops.unmap(mapped.handle, mapped.at.host_addr), GNTST_bad_handle,
                       "the handle afterwards");
          pair.mapper.write(mapped.at.va, uint64_t{0x3333});
          c.check_eq(pair.granter.read<uint64_t>(pair.page), GrantPair::kGrantedWord, "the granted page");
        },
}};

const Case kReplaceRefused{{
    .slug = "grant.unmap_and_replace.refused.nothing_moves",
    .rule = "A wrong handle, a wrong place or a new_addr without a level 1 table moves nothing.",
    .source = "public/grant_table.h, GNTTABOP_unmap_and_replace",
    .requirements = {"GNT-UNMAP-012", "GNT-UNMAP-001", "GNT-UNMAP-005"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          const Gva replacement = c.guest().alloc_pages(1);
          const uint64_t entry = leaf_entry(pair.mapper.domain(), replacement).value;
          const GrantWindow empty = pair.window();
          const uint64_t no_table = 0x0000'7000'0000'0000;
          check_status(c, pair.ops.unmap_and_replace(mapped.handle + 1, mapped.at.host_addr, replacement.raw()),
                       GNTST_bad_handle, "a wrong handle");
          check_status(c, pair.ops.unmap_and_replace(mapped.handle, mapped.at.host_addr, no_table), GNTST_general_error,
                       "no table at new_addr");
          c.check_eq(leaf_entry(pair.mapper.domain(), replacement).value, entry, "the entry of new_addr");
          // With a wrong place the header promises nothing of new_addr, but the grant stays where it is.
          check_status(c, pair.ops.unmap_and_replace(mapped.handle, empty.host_addr, replacement.raw()),
                       GNTST_general_error, "a wrong place");
          check_still_mapped(pair, mapped, "the mapping");
          pair.unmap(mapped);
        },
}};

const Case kReplacePte{{
    .slug = "grant.unmap_and_replace.contains_pte.general_error",
    .rule = "A mapping made by a page-table entry cannot be replaced: general_error, whatever new_addr is but 0.",
    .source = "Xen 4.17, unmap_and_replace",
    .requirements = {"GNT-UNMAP-012"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          const LeafEntry entry = leaf_entry(pair.mapper.domain(), at.va);
          const auto handle = must_map(c, pair.ops, pair.request(entry.machine, GNTMAP_host_map | GNTMAP_contains_pte));
          const Gva replacement = c.guest().alloc_pages(1);
          const uint64_t before = leaf_entry(pair.mapper.domain(), replacement).value;
          check_status(c, pair.ops.unmap_and_replace(handle, entry.machine, replacement.raw()), GNTST_general_error,
                       "replacing");
          check_still_mapped(pair, {at, handle}, "the mapping");
          c.check_eq(leaf_entry(pair.mapper.domain(), replacement).value, before, "the entry of new_addr");
          must_unmap(c, pair.ops, handle, {at.va, entry.machine});
        },
}};

const Case kTwoUnmaps{{
    .slug = "grant.unmap.by_two_vcpus.one_succeeds",
    .rule = "Of two vCPUs that unmap one handle at the same time one succeeds, and the other finds a bad handle.",
    .source = "public/grant_table.h, GNTTABOP_unmap_grant_ref",
    .requirements = {"GNT-UNMAP-002"},
    .needs = {Capability::kSteer, Capability::kTwoGuests},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kRounds = 48;
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          GrantOps others(c.vcpu(1));
          Scratch memory(c.vcpu(0));
          c.interleave(kRounds, [&] {
            const auto handle = must_map(c, pair.ops, pair.request(at.host_addr));
            const Gva argument = memory.put(GrantOps::unmap_request(handle, at.host_addr));
            int16_t other = 0;
            const int64_t done =
                c.during(c.vcpu(0), __HYPERVISOR_grant_table_op, {GNTTABOP_unmap_grant_ref, argument.raw(), 1},
                         [&] { other = others.unmap(handle, at.host_addr).arg.status; });
            c.check_eq(done, 0, "unmap");
            const int16_t one = memory.get<gnttab_unmap_grant_ref_t>().status;
            c.check((one == GNTST_okay) != (other == GNTST_okay), "exactly one of the two unmaps it");
            c.check_eq(pair.table.in_use(GrantPair::kRef), 0u, "use of the entry");
          });
        },
}};

}  // namespace
}  // namespace assay
