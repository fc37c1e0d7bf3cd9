#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/version_ops.hpp"

namespace assay {
namespace {

const Case kVersionIsReturned{{
    .slug = "xen_version.version.returned_in_result",
    .rule = "XENVER_version returns major << 16 | minor in the result register and does not look at its pointer.",
    .source = "public/version.h, XENVER_version",
    .method = "Asked with a null pointer and with one that leads nowhere: the same answer.",
    .requirements = {"VER-001"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          const int64_t plain = version.version();
          c.check_eq(plain >> 16, 4, "major version");
          c.check_eq(version.raw(XENVER_version, bad_pointer(c.guest_type())), plain, "version with a bad pointer");
        },
}};

const Case kDom0Version{{
    .slug = "xen_version.version.dom0.major_in_upper_half",
    .rule = "The privileged domain learns the version as any other: major << 16 | minor.",
    .source = "public/version.h, XENVER_version",
    .requirements = {"VER-001"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& vcpu = c.dom0().vcpu(0);
          const int64_t version = vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
          c.check_eq(version >> 16, 4, "major version");
          c.check_eq(vcpu.hypercall(__HYPERVISOR_xen_version, {XENVER_version, 1}), version, "with another pointer");
        },
}};

const Case kExtraVersionEfault{{
    .slug = "xen_version.extraversion.bad_pointer.efault",
    .rule = "A text that cannot be copied out gives EFAULT.",
    .source = "public/version.h, XENVER_extraversion",
    .method = "Every kind of bad address in turn; then a good one, to show that the guest goes on.",
    .requirements = {"HCALL-020"},
    .body =
        [](CaseContext& c) {
          VersionOps version(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(version.raw(XENVER_extraversion, bad.va), -XEN_EFAULT, bad.what);
          }
          const auto good = version.extraversion();
          c.check_eq(good.result, 0, "extraversion into good memory");
          c.check(good.arg.terminated(), "extraversion is a terminated string");
        },
}};

}  // namespace
}  // namespace assay
