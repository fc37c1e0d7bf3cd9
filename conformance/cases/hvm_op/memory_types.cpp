/// What kind of memory is at a guest's frame, as its tools ask.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/hvm_ops.hpp"

namespace assay {
namespace {

const Case kMemoryType{{
    .slug = "hvm_op.get_mem_type.ram_and_nothing",
    .rule = "get_mem_type tells RAM from a frame without memory; a PV domain has no such types.",
    .source = "public/hvm/hvm_op.h, HVMOP_get_mem_type",
    .requirements = {"HVMOP-008"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          HvmOps tools(c.dom0().vcpu(0));
          const auto ask = [&](domid_t domain, uint64_t pfn) {
            xen_hvm_get_mem_type_t request{};
            request.domid = domain;
            request.mem_type = 0xffff;
            request.pfn = pfn;
            return tools.op(HVMOP_get_mem_type, request);
          };
          const Gva page = c.guest().alloc_pages(1);
          const uint64_t pfn = c.guest().gfn_of(page).raw();
          const auto ram = ask(c.guest().id().raw(), pfn);
          if (c.pv()) {
            c.check_eq(ram.result, -XEN_EINVAL, "a PV domain");
            return;
          }
          c.check_eq(ram.result, 0, "a page of the heap");
          c.check_eq(ram.arg.mem_type, uint16_t{HVMMEM_ram_rw}, "its type");
          const auto nothing = ask(c.guest().id().raw(), c.guest().space().pages + 64);
          c.check_eq(nothing.result, 0, "a frame beyond all memory");
          c.check_eq(nothing.arg.mem_type, uint16_t{HVMMEM_mmio_dm}, "its type");
          c.check_eq(ask(0x7000, pfn).result, -XEN_ESRCH, "a domain that does not exist");
          c.check_eq(tools.raw(HVMOP_get_mem_type, bad_pointer(GuestType::kPv64)), -XEN_EFAULT, "bad pointer");
        },
}};

}  // namespace
}  // namespace assay
