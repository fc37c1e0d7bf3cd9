/// An extent of which some frames can be placed and others cannot.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

/// Frames that one table of the lowest level maps.
constexpr uint64_t kFramesPerTable = 512;

const Case kPartlyPlaced{{
    .slug = "memory_op.populate_physmap.extent_partly_placed.not_counted",
    .rule =
        "An extent whose frames cannot all be placed is not counted. What of it was placed all the same is memory like "
        "any other: moved, it is at one place. Once there is room for the tables its places can be populated.",
    .source = "public/memory.h, XENMEM_populate_physmap",
    .method =
        "Two frames across the end of the last table that the guest has, with a paging pool that has no frame for "
        "another one.",
    .requirements = {"MEM-RES-001"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.dom0().vcpu(0));
          const DomId dom = c.guest().id();
          const uint64_t end = c.guest().space().pages;
          c.require_eq(end % kFramesPerTable, 0u, "set-up: the guest's memory ends where a table does");
          const uint64_t last = end - 1;
          const Reservation two_last{.extents = {last, last - 1}, .dom = dom};
          c.require_eq(memory.decrease_reservation(two_last).done, 2, "set-up: the last two pages are given back");
          xen_domctl_t pool = DomctlOps::request(XEN_DOMCTL_get_paging_mempool_size, dom);
          const uint64_t bytes = control.call(pool).arg.u.paging_mempool.size;
          pool = DomctlOps::request(XEN_DOMCTL_set_paging_mempool_size, dom);
          c.require_ne(control.call(pool).result, 0, "set-up: a pool that has what is in use, and no more");
          c.check_eq(memory.populate_physmap({.extents = {last}, .order = 1, .dom = dom}).done, 0, "the extent");
          const int64_t moved = memory.add_to_physmap(XENMAPSPACE_gmfn, last, Pfn{last - 1}, dom);
          c.check(moved == 0 || moved == -XEN_EINVAL, "moving its first frame");
          c.check_eq(memory.remove_from_physmap(Pfn{last}, dom), -XEN_ENOENT, "nothing is left behind");
          c.check_eq(memory.remove_from_physmap(Pfn{last - 1}, dom), moved == 0 ? 0 : -XEN_ENOENT, "where it is now");
          c.check_eq(memory.remove_from_physmap(Pfn{end}, dom), -XEN_ENOENT, "its second one was never there");
          pool.u.paging_mempool.size = bytes;
          c.require_eq(control.call(pool).result, 0, "the pool is what it was");
          c.check_eq(memory.populate_physmap({.extents = {last}, .dom = dom}).done, 1, "the first place");
          const Gva va = Gva{c.guest().space().va_offset + (last << kPageShift)};
          c.vcpu().write(va, uint64_t{42});
          c.check_eq(c.vcpu().read<uint64_t>(va), 42u, "its memory");
        },
}};

}  // namespace
}  // namespace assay
