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

}  // namespace
}  // namespace assay
