/// grant_table_op itself: commands, counts, arrays, and batches that are interrupted.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/grant_pair.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

/// Operations that an HVM guest has, and those that only PV guests have.
constexpr uint32_t kForAll[] = {GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_setup_table,
                                GNTTABOP_copy,          GNTTABOP_query_size,      GNTTABOP_set_version,
                                GNTTABOP_get_version,   GNTTABOP_swap_grant_ref};
constexpr uint32_t kBatched[] = {GNTTABOP_map_grant_ref, GNTTABOP_unmap_grant_ref, GNTTABOP_copy,
                                 GNTTABOP_swap_grant_ref};
constexpr uint32_t kForPv[] = {GNTTABOP_transfer, GNTTABOP_unmap_and_replace, GNTTABOP_get_status_frames,
                               GNTTABOP_cache_flush};

const Case kSignBit{{
    .slug = "grant.dispatch.negative_count.einval",
    .rule = "A count with its top bit set gives EINVAL, whatever the operation; bits above 32 count for nothing.",
    .source = "public/grant_table.h, HYPERVISOR_grant_table_op: unsigned int count",
    .requirements = {"GNT-OP-001"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Scratch memory(c.vcpu());
          for (const uint32_t op : kForAll) {
            for (const uint64_t count : {uint64_t{0x80000000}, uint64_t{0xffffffff}}) {
              c.check_eq(ops.raw(op, memory.va(), count), -XEN_EINVAL, "operation " + std::to_string(op));
            }
          }
          Scratch one(c.vcpu());
          const gnttab_query_size_t asked{DOMID_SELF, 0, 0, kUntouchedStatus};
          const Gva at = one.put(asked);
          c.check_eq(ops.raw(GNTTABOP_query_size, at, (uint64_t{1} << 32) + 1), 0, "one, and a bit above 32");
          c.check_eq(one.get<gnttab_query_size_t>().status, GNTST_okay, "its status");
        },
}};

const Case kHighBits{{
    .slug = "grant.dispatch.command_high_bits.refused",
    .rule = "Bits 12 and up of a command are no part of it: EINVAL for a PV guest, ENOSYS for an HVM one.",
    .source = "public/grant_table.h, enum grant_table_op",
    .requirements = {"GNT-OP-002"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          Scratch memory(c.vcpu());
          for (const uint32_t high : {0x1000u, 0x10000u, 0x80000000u}) {
            for (const uint32_t op : kForAll) {
              const gnttab_query_size_t asked{DOMID_SELF, 0, 0, kUntouchedStatus};
              const Gva at = memory.put(asked);
              c.check_eq(ops.raw(op | high, at), c.pv() ? -XEN_EINVAL : -XEN_ENOSYS,
                         "operation " + std::to_string(op) + " with high bits");
              c.check_eq(memory.get<gnttab_query_size_t>().status, kUntouchedStatus, "status field");
            }
          }
        },
}};

const Case kUnknown{{
    .slug = "grant.dispatch.unknown_command.enosys",
    .rule = "An unknown command gives ENOSYS, and so does dump_table, which is no more.",
    .source = "public/grant_table.h, enum grant_table_op",
    .requirements = {"GNT-OP-003"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Scratch memory(c.vcpu());
          for (const uint32_t op : {3u, 13u, 14u, 255u, 0xfffu}) {
            for (const uint64_t count : {0u, 1u}) {
              c.check_eq(ops.raw(op, memory.va(), count), -XEN_ENOSYS, "command " + std::to_string(op));
            }
          }
        },
}};

const Case kNotForHvm{{
    .slug = "grant.dispatch.pv_only_commands.hvm_enosys",
    .rule = "transfer, unmap_and_replace, get_status_frames and cache_flush are not for HVM guests: ENOSYS.",
    .source = "public/grant_table.h, GNTTABOP_transfer: only PV guests can use this operation",
    .requirements = {"GNT-XFER-001", "GNT-V2-003", "HCALL-016"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Scratch memory(c.vcpu());
          for (const uint32_t op : kForPv) {
            c.check_eq(ops.raw(op, memory.va()), -XEN_ENOSYS, "operation " + std::to_string(op));
          }
          for (const uint32_t op : kForAll) {
            c.check_ne(ops.raw(op, memory.va(), 0), -XEN_ENOSYS, "operation " + std::to_string(op));
          }
        },
}};

const Case kNoElements{{
    .slug = "grant.dispatch.no_elements.zero",
    .rule = "A batch of no elements is done: 0, whatever the pointer.",
    .source = "public/grant_table.h, HYPERVISOR_grant_table_op",
    .requirements = {"GNT-OP-005"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const uint32_t op : kBatched) {
            c.check_eq(ops.raw(op, Gva{0}, 0), 0, "operation " + std::to_string(op));
          }
        },
}};

const Case kBadArray{{
    .slug = "grant.dispatch.bad_array.efault",
    .rule = "An array that cannot be read gives EFAULT.",
    .source = "public/grant_table.h, HYPERVISOR_grant_table_op",
    .requirements = {"GNT-OP-004"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            for (const uint32_t op : kForAll) {
              c.check_eq(ops.raw(op, bad.va), -XEN_EFAULT, std::string(bad.what) + ", operation " + std::to_string(op));
            }
            if (!c.pv()) continue;
            for (const uint32_t op : kForPv) {
              c.check_eq(ops.raw(op, bad.va), -XEN_EFAULT, std::string(bad.what) + ", operation " + std::to_string(op));
            }
          }
        },
}};

const Case kArrayEnds{{
    .slug = "grant.dispatch.array_ends_midway.efault_after_done",
    .rule = "An array that goes on into memory that is not there gives EFAULT; the elements before were dealt with.",
    .source = "public/grant_table.h, HYPERVISOR_grant_table_op",
    .method = "Three copies, of which the last would lie in a page that is not mapped.",
    .requirements = {"GNT-OP-004"},
    .body =
        [](CaseContext& c) {
          GrantOps ops(c.vcpu());
          const Gva data = c.guest().alloc_pages(2);
          const Gva list = c.guest().alloc_pages(1);
          const GrantWindow behind = grant_window(c, c.vcpu());
          c.require_eq(behind.va.raw(), list.raw() + kPageSize, "the hole follows the array");
          gnttab_copy_t copy{};
          copy.source.u.gmfn = c.guest().gfn_of(data).raw();
          copy.source.domid = DOMID_SELF;
          copy.dest.u.gmfn = c.guest().gfn_of(data + kPageSize).raw();
          copy.dest.domid = DOMID_SELF;
          copy.len = 8;
          copy.status = kUntouchedStatus;
          c.vcpu().write(data, uint64_t{77});
          c.vcpu().write(data + 8, uint64_t{88});
          const Gva first = list + (kPageSize - 2 * sizeof copy);
          c.vcpu().write(first, copy);
          copy.source.offset = copy.dest.offset = 8;
          c.vcpu().write(first + sizeof copy, copy);
          c.check_eq(ops.raw(GNTTABOP_copy, first, 3), -XEN_EFAULT, "result");
          for (const uint64_t i : {0u, 1u}) {
            c.check_eq(c.vcpu().read<gnttab_copy_t>(first + i * sizeof copy).status, GNTST_okay, "status");
          }
          c.check_eq(c.vcpu().read<uint64_t>(data + kPageSize), 77u, "what the first one copied");
          c.check_eq(c.vcpu().read<uint64_t>(data + kPageSize + 8), 88u, "what the second one copied");
        },
}};

const Case kMixed{{
    .slug = "grant.dispatch.mixed_batch.status_each",
    .rule = "A batch returns 0 when each element was attempted; what failed says so in its own status only.",
    .source = "public/grant_table.h, enum grant_status",
    .requirements = {"GNT-OP-005"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          GrantPair pair(c);
          pair.permit();
          const GrantWindow one = pair.window();
          const GrantWindow two = pair.window();
          std::vector<gnttab_map_grant_ref_t> maps{
              GrantOps::map_request(pair.request(one.host_addr)),
              GrantOps::map_request({.host_addr = two.host_addr, .ref = GrantRef{100000}, .dom = pair.table.dom()}),
              GrantOps::map_request({.host_addr = two.host_addr, .ref = GrantPair::kRef, .dom = kDomAbsent}),
              GrantOps::map_request(pair.request(two.host_addr, 0)),
              GrantOps::map_request(pair.request(two.host_addr)),
          };
          c.check_eq(pair.ops.array(GNTTABOP_map_grant_ref, maps), 0, "result of the maps");
          const int16_t wanted[] = {GNTST_okay, GNTST_bad_gntref, GNTST_bad_domain, GNTST_bad_gntref, GNTST_okay};
          for (size_t i = 0; i < maps.size(); ++i) {
            c.check_eq(maps[i].status, wanted[i], "status of map " + std::to_string(i));
          }
          c.check_ne(maps[0].handle, maps[4].handle, "two handles");
          std::vector<gnttab_unmap_grant_ref_t> unmaps{
              GrantOps::unmap_request(0x7fffffff, one.host_addr),
              GrantOps::unmap_request(maps[0].handle, one.host_addr),
              GrantOps::unmap_request(maps[0].handle, one.host_addr),
              GrantOps::unmap_request(maps[4].handle, two.host_addr),
          };
          c.check_eq(pair.ops.array(GNTTABOP_unmap_grant_ref, unmaps), 0, "result of the unmaps");
          const int16_t ends[] = {GNTST_bad_handle, GNTST_okay, GNTST_bad_handle, GNTST_okay};
          for (size_t i = 0; i < unmaps.size(); ++i) {
            c.check_eq(unmaps[i].status, ends[i], "status of unmap " + std::to_string(i));
          }
        },
}};

/// What makes the next long operation of this vCPU stop early: an event that waits to be delivered. The guest takes it
/// when it next returns from the hypervisor, so the operation is cut after its first elements, and continued.
void let_an_event_wait(Vcpu& vcpu) {
  vcpu.set_upcalls(true);
  SharedInfo(vcpu).set_upcall_pending(vcpu.id(), 1);
}

const Case kMapsContinue{{
    .slug = "grant.dispatch.interrupted_maps.each_once",
    .rule = "A batch of maps or unmaps that is cut short for an event goes on where it stopped, each element once.",
    .source = "public/grant_table.h, HYPERVISOR_grant_table_op",
    .method = "An event waits when the batch begins. All handles must differ, and as many unmaps must free the grant.",
    .requirements = {"GNT-OP-006"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr size_t kMaps = 24;
          GrantPair pair(c);
          pair.permit();
          std::vector<gnttab_map_grant_ref_t> maps;
          std::vector<GrantWindow> windows;
          for (size_t i = 0; i < kMaps; ++i) {
            windows.push_back(pair.window());
            maps.push_back(GrantOps::map_request(pair.request(windows.back().host_addr)));
          }
          let_an_event_wait(pair.mapper);
          c.require_eq(pair.ops.array(GNTTABOP_map_grant_ref, maps), 0, "result of the maps");
          std::vector<gnttab_unmap_grant_ref_t> unmaps;
          for (size_t i = 0; i < kMaps; ++i) {
            c.check_eq(maps[i].status, GNTST_okay, "status of map " + std::to_string(i));
            for (size_t j = 0; j < i; ++j) c.check_ne(maps[i].handle, maps[j].handle, "two handles");
            c.check_eq(pair.mapper.read<uint64_t>(windows[i].va), GrantPair::kGrantedWord, "what is mapped");
            unmaps.push_back(GrantOps::unmap_request(maps[i].handle, windows[i].host_addr));
          }
          let_an_event_wait(pair.mapper);
          c.require_eq(pair.ops.array(GNTTABOP_unmap_grant_ref, unmaps), 0, "result of the unmaps");
          for (const auto& unmap : unmaps) c.check_eq(unmap.status, GNTST_okay, "status of an unmap");
          c.check_eq(pair.table.in_use(GrantPair::kRef), 0u, "use of the grant in the end");
          c.check(pair.mapper.upcalls().count > 0, "the events were taken");
        },
}};

const Case kSwapsContinue{{
    .slug = "grant.dispatch.interrupted_swaps.each_once",
    .rule = "A batch of swaps that is cut short for an event goes on where it stopped, each element once.",
    .source = "public/grant_table.h, HYPERVISOR_grant_table_op",
    .method = "A chain of swaps moves one entry along; a swap done twice, or left out, shows in where it ends.",
    .requirements = {"GNT-OP-006", "GNT-SWAP-004"},
    .body =
        [](CaseContext& c) {
          constexpr uint32_t kSwaps = 100;
          GrantOps ops(c.vcpu());
          GrantTable table(c, c.vcpu());
          table.put(GrantRef{10}, entry_v1(GTF_permit_access, kDomAbsent, 1234));
          auto swaps = GrantOps::batch<gnttab_swap_grant_ref_t>(kSwaps);
          for (uint32_t i = 0; i < kSwaps; ++i) {
            swaps[i].ref_a = 10 + i;
            swaps[i].ref_b = 11 + i;
            swaps[i].status = kUntouchedStatus;
          }
          let_an_event_wait(c.vcpu());
          c.check_eq(ops.array(GNTTABOP_swap_grant_ref, swaps), 0, "result");
          for (const auto& swap : swaps) c.check_eq(swap.status, GNTST_okay, "status of a swap");
          c.check_eq(table.v1(GrantRef{10 + kSwaps}).frame, 1234u, "where the entry ended");
          c.check_eq(table.flags(GrantRef{10}), 0u, "flags of where it began");
        },
}};

const Case kCopiesContinue{{
    .slug = "grant.dispatch.interrupted_copies.each_once",
    .rule =
        "A batch of copies that is cut short for an event goes on where it stopped: each has its status, none is lost.",
    .source = "public/grant_table.h, HYPERVISOR_grant_table_op",
    .method = "Each copy moves the word that the one before has written. An event waits when the batch begins.",
    .requirements = {"GNT-OP-006", "GNT-COPY-011"},
    .body =
        [](CaseContext& c) {
          constexpr uint16_t kCopies = 100;
          GrantOps ops(c.vcpu());
          const Gva page = c.guest().alloc_pages(1);
          const uint64_t frame = c.guest().gfn_of(page).raw();
          c.vcpu().write(page, uint64_t{4321});
          std::vector<gnttab_copy_t> copies;
          for (uint16_t i = 0; i < kCopies; ++i) {
            gnttab_copy_t copy{};
            copy.source.u.gmfn = copy.dest.u.gmfn = frame;
            copy.source.domid = copy.dest.domid = DOMID_SELF;
            copy.source.offset = static_cast<uint16_t>(i * 8);
            copy.dest.offset = static_cast<uint16_t>(i * 8 + 8);
            copy.len = 8;
            copy.status = kUntouchedStatus;
            copies.push_back(copy);
          }
          let_an_event_wait(c.vcpu());
          c.check_eq(ops.array(GNTTABOP_copy, copies), 0, "result");
          for (const auto& copy : copies) c.check_eq(copy.status, GNTST_okay, "status of a copy");
          c.check_eq(c.vcpu().read<uint64_t>(page + kCopies * 8), 4321u, "where the word ended");
        },
}};

}  // namespace
}  // namespace assay
