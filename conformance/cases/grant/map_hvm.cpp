/// GNTTABOP_map_grant_ref as only HVM guests see it: at guest frames.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/shutdown_state.hpp"

namespace assay {
namespace {

const Case kPvFlags{{
    .slug = "grant.map.pv_only_flags.hvm_general_error",
    .rule = "Device and application mappings, and those by a page-table entry, are not for HVM guests: general_error.",
    .source = "public/grant_table.h, GNTMAP_device_map, GNTMAP_application_map, GNTMAP_contains_pte",
    .requirements = {"GNT-MAP-002", "GNT-MAP-020"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          for (const uint32_t flags :
               {uint32_t{GNTMAP_device_map}, uint32_t{GNTMAP_device_map | GNTMAP_host_map},
                uint32_t{GNTMAP_host_map | GNTMAP_application_map}, uint32_t{GNTMAP_host_map | GNTMAP_contains_pte}}) {
            const std::string what = "flags " + std::to_string(flags);
            check_status(c, pair.ops.map(pair.request(at.host_addr, flags)), GNTST_general_error, what);
            c.check(nothing_there(pair.mapper, at), what + ": nothing is mapped");
            c.check_eq(pair.table.in_use(GrantPair::kRef), 0u, what + ": use of the entry");
          }
        },
}};

const Case kOtherFlags{{
    .slug = "grant.map.unknown_flags.hvm_general_error",
    .rule = "Flags beyond host_map and readonly give an HVM guest general_error, and nothing is left of the map.",
    .source = "public/grant_table.h, GNTMAP_guest_avail_mask",
    .requirements = {"GNT-MAP-019", "GNT-MAP-020"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow at = pair.window();
          for (const unsigned bit : {5u, 8u, 15u, 16u, 31u}) {
            const std::string what = "flag bit " + std::to_string(bit);
            check_status(c, pair.ops.map(pair.request(at.host_addr, GNTMAP_host_map | 1u << bit)), GNTST_general_error,
                         what);
            c.check(nothing_there(pair.mapper, at), what + ": nothing is mapped");
            c.check_eq(pair.table.in_use(GrantPair::kRef), 0u, what + ": use of the entry");
          }
          must_unmap(c, pair.ops, must_map(c, pair.ops, pair.request(at.host_addr)), at);
        },
}};

const Case kAtFrame{{
    .slug = "grant.map.host_addr.hvm_guest_frame",
    .rule = "An HVM guest names a guest frame by host_addr; the bits below a page count for nothing.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref note 2",
    .requirements = {"GNT-MAP-017"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow before = pair.window();
          const GrantWindow at = pair.window();
          const auto handle = must_map(c, pair.ops, pair.request(at.host_addr + 0x123));
          c.check_eq(pair.mapper.read<uint64_t>(at.va), GrantPair::kGrantedWord, "what is at the frame");
          c.check(nothing_there(pair.mapper, before), "nothing is at the frame before");
          must_unmap(c, pair.ops, handle, at);
          c.check(nothing_there(pair.mapper, at), "nothing is there in the end");
        },
}};

const Case kOverMemory{{
    .slug = "grant.map.over_own_memory.hvm_replaces",
    .rule = "An HVM guest may map a grant over a frame of its own memory: it shows the granted page then.",
    .source = "public/grant_table.h, GNTTABOP_map_grant_ref",
    .requirements = {"GNT-MAP-017"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const Gva va = c.guest().alloc_pages(1);
          pair.mapper.write(va, uint64_t{1});
          const GrantWindow at{va, c.guest().pfn_of(va).raw() << kPageShift};
          const auto handle = must_map(c, pair.ops, pair.request(at.host_addr));
          c.check_eq(pair.mapper.read<uint64_t>(va), GrantPair::kGrantedWord, "what is at the frame");
          must_unmap(c, pair.ops, handle, at);
          c.check(nothing_there(pair.mapper, at), "nothing is there in the end: the memory is not put back");
        },
}};

const Case kOverGrant{{
    .slug = "grant.map.over_mapped_grant.hvm_crashes_mapper",
    .rule = "An HVM guest that maps a grant over a frame where one is mapped already loses its domain.",
    .source = "Xen 4.17, second-stage tables",
    .requirements = {"GNT-MAP-018"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const auto mapped = pair.map();
          DomctlOps control(c.dom0().vcpu(0));
          Scratch memory(pair.mapper);
          const Gva at = memory.put(GrantOps::map_request(pair.request(mapped.at.host_addr)));
          pair.mapper.start_hypercall(__HYPERVISOR_grant_table_op, {GNTTABOP_map_grant_ref, at.raw(), 1});
          c.require(wait_shut_down(c, control, c.guest().id()), "the mapper shuts down");
          c.check_eq(shutdown_state(control, c.guest().id()).code, SHUTDOWN_crash, "its shutdown code");
          c.check(!shutdown_state(control, c.peer().id()).shut_down, "the granter goes on");
        },
}};

}  // namespace
}  // namespace assay
