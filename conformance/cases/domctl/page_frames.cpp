/// XEN_DOMCTL_getpageframeinfo3: what each frame of a domain is used as.
#include "conformance/case.hpp"
#include "conformance/cases/memory_op/spare_page.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/memory_ops.hpp"
#include "conformance/guest/page_tables.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/domctl.h, XEN_DOMCTL_getpageframeinfo3";
constexpr uint64_t kFramesMax = 1024;

/// Asks about frames; the list is overwritten with what they are.
int64_t describe(DomctlOps& control, Scratch& list, DomId dom, std::vector<uint64_t>& frames, uint64_t count = 0) {
  for (size_t i = 0; i < frames.size(); ++i) list.put(frames[i], i * sizeof(uint64_t));
  xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getpageframeinfo3, dom);
  request.u.getpageframeinfo3.num = count != 0 ? count : frames.size();
  set_handle(request.u.getpageframeinfo3.array, list.va());
  const int64_t result = control.call(request).result;
  for (size_t i = 0; i < frames.size(); ++i) frames[i] = list.get<uint64_t>(i * sizeof(uint64_t));
  return result;
}

const Case kTypes{{
    .slug = "domctl.getpageframeinfo3.frames.type_pin_invalid",
    .rule = "A frame is reported as ordinary, as a page table with its level, as pinned, or as invalid.",
    .source = kSource,
    .method = "A PV guest pins an empty level 1 table; the root is the one that dom0's builder pinned.",
    .requirements = {"DOM-INFO-011"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Scratch list(c.dom0().vcpu(0), 2);
          const DomId id = c.guest().id();
          const Gva page = c.guest().alloc_pages(1);
          constexpr uint64_t kInvalid = XEN_DOMCTL_PFINFO_XTAB;
          std::vector<uint64_t> frames{c.guest().gfn_of(page).raw(), uint64_t{1} << 36};
          c.require_eq(describe(control, list, id, frames), 0, "getpageframeinfo3");
          c.check_eq(frames[0], uint64_t{XEN_DOMCTL_PFINFO_NOTAB}, "an ordinary page");
          c.check_eq(frames[1], kInvalid, "a frame that does not exist");
          if (!c.pv()) return;
          const uint64_t table = c.guest().gfn_of(page).raw();
          c.require_eq(update_mapping(c.vcpu(), page, table << kPageShift | kLeafRo), 0, "making a page read-only");
          Scratch operation(c.vcpu());
          mmuext_op_t pin{};
          pin.cmd = MMUEXT_PIN_L1_TABLE;
          pin.arg1.mfn = table;
          c.require_eq(c.vcpu().hypercall(__HYPERVISOR_mmuext_op, {operation.put(pin).raw(), 1, 0, DOMID_SELF}), 0,
                       "pinning it as a level 1 table");
          xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_getvcpucontext, id);
          Scratch context(c.dom0().vcpu(0), (sizeof(vcpu_guest_context_t) + kPageSize - 1) / kPageSize);
          set_handle(request.u.vcpucontext.ctxt, context.va());
          c.require_eq(control.call(request).result, 0, "getvcpucontext");
          const uint64_t root = context.get<vcpu_guest_context_t>().ctrlreg[3] >> kPageShift;
          const uint64_t dom0_frame = c.dom0().gfn_of(c.dom0().alloc_pages(1)).raw();
          frames = {table, root, dom0_frame};
          c.require_eq(describe(control, list, id, frames), 0, "getpageframeinfo3 again");
          c.check_eq(frames[0], XEN_DOMCTL_PFINFO_L1TAB | XEN_DOMCTL_PFINFO_LPINTAB, "the pinned table");
          c.check_eq(frames[1], XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB, "the root");
          c.check_eq(frames[2], kInvalid, "a frame of dom0");
        },
}};

const Case kCount{{
    .slug = "domctl.getpageframeinfo3.over_1024.e2big",
    .rule = "At most 1024 frames can be asked about at a time: E2BIG, and nothing is written.",
    .source = kSource,
    .requirements = {"DOM-INFO-011"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          Scratch list(c.dom0().vcpu(0), 3);
          const DomId id = c.guest().id();
          const Gva page = c.guest().alloc_pages(1);
          std::vector<uint64_t> frames{c.guest().gfn_of(page).raw()};
          const uint64_t before = frames[0];
          c.check_eq(describe(control, list, id, frames, kFramesMax + 1), -XEN_E2BIG, "1025 frames");
          c.check_eq(frames[0], before, "the first slot");
          c.check_eq(describe(control, list, id, frames, kFramesMax), 0, "1024 frames");
          c.check_eq(frames[0], uint64_t{XEN_DOMCTL_PFINFO_NOTAB}, "the first slot then");
        },
}};

}  // namespace
}  // namespace assay
