/// Which device memory a domain may be given: ranges that are granted, joined, split and taken back.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"

namespace assay {
namespace {

/// Permissions of one guest for frames counted from one of no RAM, and what mapping a range of them answers.
class Ranges {
 public:
  explicit Ranges(CaseContext& c)
      : control_(c.dom0().vcpu(0)),
        guest_(c.guest().id()),
        first_mfn_(static_cast<uint64_t>(MemoryOps(c.vcpu()).maximum_ram_page()) + 0x20000),
        first_gfn_(c.guest().space().pages + 64) {}

  int64_t permit(uint64_t first, uint64_t count, bool allow) {
    xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_iomem_permission, guest_);
    request.u.iomem_permission.first_mfn = first_mfn_ + first;
    request.u.iomem_permission.nr_mfns = count;
    request.u.iomem_permission.allow_access = allow ? 1 : 0;
    return control_.call(request).result;
  }
  int64_t map(uint64_t first, uint64_t count, bool add) {
    xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_memory_mapping, guest_);
    request.u.memory_mapping.first_gfn = first_gfn_ + first;
    request.u.memory_mapping.first_mfn = first_mfn_ + first;
    request.u.memory_mapping.nr_mfns = count;
    request.u.memory_mapping.add_mapping = add ? DPCI_ADD_MAPPING : DPCI_REMOVE_MAPPING;
    return control_.call(request).result;
  }
  /// Whether the guest may be given these frames: they are mapped and unmapped.
  bool allowed(uint64_t first, uint64_t count) {
    if (map(first, count, true) != 0) return false;
    return map(first, count, false) == 0;
  }

 private:
  DomctlOps control_;
  DomId guest_;
  uint64_t first_mfn_;
  uint64_t first_gfn_;
};

const Case kJoinAndSplit{{
    .slug = "domctl.iomem_permission.ranges.join_and_split",
    .rule =
        "Permissions for device memory are sets of frames: adjoining ranges join, and what is taken back splits them.",
    .source = "public/domctl.h, XEN_DOMCTL_iomem_permission, XEN_DOMCTL_memory_mapping",
    .requirements = {"DOM-LIFE-016"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Ranges ranges(c);
          c.check(!ranges.allowed(0, 1), "nothing is allowed at first");
          c.require_eq(ranges.permit(8, 4, true), 0, "frames 8 to 11");
          c.require_eq(ranges.permit(0, 4, true), 0, "frames 0 to 3");
          c.check(!ranges.allowed(0, 12), "there is a hole");
          c.require_eq(ranges.permit(4, 4, true), 0, "frames 4 to 7");
          c.check(ranges.allowed(0, 12), "all three are one range");
          c.require_eq(ranges.permit(2, 6, true), 0, "a part of it again");
          c.check(ranges.allowed(0, 12), "still all of it");
          c.require_eq(ranges.permit(5, 2, false), 0, "taking back the middle");
          c.check(ranges.allowed(0, 5) && ranges.allowed(7, 5), "what is left on both sides");
          c.check(!ranges.allowed(5, 1) && !ranges.allowed(6, 1) && !ranges.allowed(4, 2), "the middle is gone");
          c.require_eq(ranges.permit(3, 6, false), 0, "taking back the ends of both");
          c.check(ranges.allowed(0, 3) && ranges.allowed(9, 3), "what is left");
          c.check(!ranges.allowed(3, 1) && !ranges.allowed(8, 1), "the ends are gone");
          c.require_eq(ranges.permit(0, 16, false), 0, "taking back everything");
          c.check(!ranges.allowed(0, 1) && !ranges.allowed(11, 1), "nothing is allowed");
          c.check_eq(ranges.map(0, 1, true), -XEN_EPERM, "without permission");
        },
}};

const Case kMappingErrors{{
    .slug = "domctl.memory_mapping.limits.einval_and_64_at_once",
    .rule = "Ranges that wrap or lie beyond what addresses reach give EINVAL; of more than 64 frames, 64 are mapped.",
    .source = "public/domctl.h, XEN_DOMCTL_memory_mapping, XEN_DOMCTL_iomem_permission",
    .requirements = {"DOM-LIFE-016"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto map = [&](uint64_t gfn, uint64_t mfn, uint64_t count) {
            xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_memory_mapping, c.guest().id());
            request.u.memory_mapping.first_gfn = gfn;
            request.u.memory_mapping.first_mfn = mfn;
            request.u.memory_mapping.nr_mfns = count;
            request.u.memory_mapping.add_mapping = DPCI_ADD_MAPPING;
            return control.call(request).result;
          };
          const uint64_t mfn = static_cast<uint64_t>(MemoryOps(c.vcpu()).maximum_ram_page()) + 0x20000;
          const uint64_t gfn = c.guest().space().pages + 64;
          c.check_eq(map(gfn, ~uint64_t{0}, 2), -XEN_EINVAL, "machine frames that wrap");
          c.check_eq(map(~uint64_t{0}, mfn, 2), -XEN_EINVAL, "guest frames that wrap");
          c.check_eq(map(gfn, uint64_t{1} << 50, 1), -XEN_EINVAL, "beyond all addresses");
          c.check_eq(map(gfn, mfn, 65), -XEN_EPERM, "65 frames, without permission");
          Ranges ranges(c);
          c.require_eq(ranges.permit(0, 65, true), 0, "permission for 65 frames");
          c.check_eq(map(gfn, mfn, 65), 64, "65 frames");
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_iomem_permission, c.guest().id());
          request.u.iomem_permission.first_mfn = ~uint64_t{0};
          request.u.iomem_permission.nr_mfns = 2;
          request.u.iomem_permission.allow_access = 1;
          c.check_eq(control.call(request).result, -XEN_EINVAL, "permission for frames that wrap");
        },
}};

}  // namespace
}  // namespace assay
