/// argo_op where the hypervisor is built without it.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

const Case kAbsent{{
    .slug = "argo_op.not_built_in.enosys",
    .rule = "A hypervisor that is built without Argo answers ENOSYS to every operation, whatever the arguments.",
    .source = "public/argo.h",
    .requirements = {"ARGO-001"},
    .body =
        [](CaseContext& c) {
          Scratch page(c.vcpu());
          for (uint64_t op = 0; op <= 6; ++op) {
            for (const Gva at : {page.va(), Gva{0}, bad_pointer(c.guest_type())}) {
              c.check_eq(c.vcpu().hypercall(__HYPERVISOR_argo_op, {op, at.raw(), at.raw(), ~uint64_t{0}, 0}),
                         -XEN_ENOSYS, "operation " + std::to_string(op));
            }
          }
          c.check_eq(page.get<uint64_t>(), 0u, "nothing was written");
        },
}};

}  // namespace
}  // namespace assay
