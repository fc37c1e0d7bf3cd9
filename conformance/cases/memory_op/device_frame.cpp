/// A guest frame that the toolstack mapped to device memory: memory_op leaves it alone.
#include "conformance/case.hpp"
#include "conformance/cases/memory_op/spare_page.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

/// A machine frame that is no RAM and that nobody accesses here: somewhat above all memory.
uint64_t device_frame(MemoryOps& memory) {
  return static_cast<uint64_t>(memory.maximum_ram_page()) + 0x10000;
}

int64_t permit(DomctlOps& control, DomId guest, uint64_t mfn, bool allow) {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_iomem_permission, guest);
  request.u.iomem_permission.first_mfn = mfn;
  request.u.iomem_permission.nr_mfns = 1;
  request.u.iomem_permission.allow_access = allow ? 1 : 0;
  return control.call(request).result;
}

int64_t map(DomctlOps& control, DomId guest, uint64_t gfn, uint64_t mfn, bool add) {
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_memory_mapping, guest);
  request.u.memory_mapping.first_gfn = gfn;
  request.u.memory_mapping.first_mfn = mfn;
  request.u.memory_mapping.nr_mfns = 1;
  request.u.memory_mapping.add_mapping = add ? DPCI_ADD_MAPPING : DPCI_REMOVE_MAPPING;
  return control.call(request).result;
}

const Case kDeviceFrame{{
    .slug = "memory_op.reservation.device_frame.left_mapped",
    .rule = "A guest frame that maps device memory is neither given back (0) nor mapped over (EPERM).",
    .source = "public/memory.h, XENMEM_decrease_reservation; public/domctl.h, XEN_DOMCTL_memory_mapping",
    .method = "dom0 gives the guest one frame of device memory. That it is still mapped afterwards is seen by a second "
              "attempt, which a populate would not survive.",
    .requirements = {"MEM-RES-013", "MEM-PHYSMAP-011"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.vcpu());
          const DomId guest = c.guest().id();
          const uint64_t mfn = device_frame(memory);
          const SparePage page = spare_page(c);
          const uint64_t gfn = c.guest().space().pages + 64;
          c.check_eq(map(control, guest, gfn, mfn, true), -XEN_EPERM, "mapping without permission");
          c.require_eq(permit(control, guest, mfn, true), 0, "iomem_permission");
          c.require_eq(map(control, guest, gfn, mfn, true), 0, "memory_mapping");
          const int64_t before = memory.current_reservation();
          for (int i = 0; i < 2; ++i) {
            c.check_eq(memory.decrease_reservation({.extents = {gfn}}).done, 0, "decrease_reservation");
            c.check_eq(memory.add_to_physmap(XENMAPSPACE_gmfn, page.pfn.raw(), Pfn{gfn}), -XEN_EPERM,
                       "mapping over it");
          }
          c.check_eq(memory.current_reservation(), before, "current reservation");
          c.vcpu().write(page.va, uint64_t{5});
          c.check_eq(c.vcpu().read<uint64_t>(page.va), 5u, "the page that was to be mapped there is where it was");
          c.check_eq(map(control, guest, gfn, mfn, false), 0, "removing the mapping");
          c.check_eq(permit(control, guest, mfn, false), 0, "taking the permission back");
          c.check_eq(memory.add_to_physmap(XENMAPSPACE_gmfn, page.pfn.raw(), Pfn{gfn}), 0, "the place is free then");
        },
}};

const Case kPermission{{
    .slug = "domctl.iomem_permission.part_taken_back.rest_stays",
    .rule = "Of a range of device memory that a domain may map, a part can be taken back, exactly that part.",
    .source = "public/domctl.h, XEN_DOMCTL_iomem_permission and XEN_DOMCTL_memory_mapping",
    .method = "Five frames are given, the third and the fourth taken back; what can be mapped tells.",
    .requirements = {"MEM-RES-013"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          MemoryOps memory(c.vcpu());
          const DomId guest = c.guest().id();
          const uint64_t first = device_frame(memory);
          const uint64_t gfn = c.guest().space().pages + 64;
          for (uint64_t i = 0; i < 5; ++i) c.require_eq(permit(control, guest, first + i, true), 0, "giving a frame");
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_iomem_permission, guest);
          request.u.iomem_permission.first_mfn = first + 2;
          request.u.iomem_permission.nr_mfns = 2;
          c.require_eq(control.call(request).result, 0, "taking two back");
          for (uint64_t i = 0; i < 5; ++i) {
            const bool allowed = i < 2 || i == 4;
            c.check_eq(map(control, guest, gfn, first + i, true), allowed ? 0 : -XEN_EPERM,
                       "mapping frame " + std::to_string(i));
            if (allowed) c.check_eq(map(control, guest, gfn, first + i, false), 0, "unmapping it");
            c.check_eq(permit(control, guest, first + i, false), 0, "taking it back");
          }
        },
}};

}  // namespace
}  // namespace assay
