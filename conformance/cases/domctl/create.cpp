/// createdomain: limits of the grant table, and what a refused creation leaves behind.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/empty_domain.hpp"
#include "conformance/guest/errno.hpp"

namespace assay {
namespace {

const Case kGrantLimits{{
    .slug = "domctl.createdomain.grant_limits.einval",
    .rule =
        "Grant table sizes above the host's limits and versions it has not give EINVAL; negative sizes are defaults.",
    .source = "public/domctl.h, struct xen_domctl_createdomain, max_grant_frames and grant_opts",
    .requirements = {"DOM-CREATE-004"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr int32_t kGrantFramesMax = 64;
          constexpr int32_t kMaptrackFramesMax = 1024;
          DomctlOps control(c.dom0().vcpu(0));
          const auto with = [&](int32_t grant_frames, int32_t maptrack_frames, uint32_t version) {
            xen_domctl_t request = empty_domain();
            request.u.createdomain.max_grant_frames = grant_frames;
            request.u.createdomain.max_maptrack_frames = maptrack_frames;
            request.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(version);
            const auto created = control.call(request);
            if (created.result == 0) remove_domain(c, control, DomId{static_cast<domid_t>(created.arg.domain)});
            return created.result;
          };
          c.check_eq(with(kGrantFramesMax + 1, 4, 2), -XEN_EINVAL, "65 grant frames");
          c.check_eq(with(4, kMaptrackFramesMax + 1, 2), -XEN_EINVAL, "1025 maptrack frames");
          c.check_eq(with(4, 4, 3), -XEN_EINVAL, "grant table version 3");
          c.check_eq(with(4, 4, 0), -XEN_EINVAL, "grant table version 0");
          c.check_eq(with(kGrantFramesMax, kMaptrackFramesMax, 1), 0, "the limits, version 1");
          c.check_eq(with(-1, -1, 2), 0, "defaults");
        },
}};

const Case kImpossible{{
    .slug = "domctl.createdomain.impossible.einval_eopnotsupp",
    .rule = "Flags, emulation and options that do not exist, or not on this machine, are refused.",
    .source = "public/domctl.h, struct xen_domctl_createdomain; public/arch-x86/xen.h, struct xen_arch_domainconfig",
    .method = "One field of a request that works at a time, for a PV and for a PVH domain.",
    .requirements = {"DOM-CREATE-009"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const auto refused = [&](int64_t expected, xen_domctl_t request, auto change, std::string_view what) {
            change(request.u.createdomain);
            const auto created = control.call(request);
            c.check_eq(created.result, expected, what);
            if (created.result == 0) remove_domain(c, control, DomId{static_cast<domid_t>(created.arg.domain)});
          };
          using Config = xen_domctl_createdomain;
          for (const auto& good : {empty_domain(), empty_pvh_domain()}) {
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.flags |= 1u << 31; }, "an unknown flag");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.flags |= XEN_DOMCTL_CDF_s3_integrity; }, "measured launch");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.flags |= XEN_DOMCTL_CDF_iommu; }, "an IOMMU");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.flags |= XEN_DOMCTL_CDF_vpmu; }, "performance counters");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.iommu_opts = 1; }, "options of an IOMMU");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.grant_opts |= 1u << 31; }, "an option of grant tables");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.arch.misc_flags = 1u << 31; }, "an unknown option");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.vmtrace_size = 4096; }, "a processor trace");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.max_vcpus = 8193; }, "too many vCPUs");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.max_grant_frames = 0; }, "no grant table");
            refused(
                -XEN_EINVAL, good, [](Config& k) { k.arch.emulation_flags = 1u << 31; }, "unknown emulation");
          }
          refused(
              -XEN_EINVAL, empty_domain(), [](Config& k) { k.flags |= XEN_DOMCTL_CDF_hap; }, "nested paging of PV");
          refused(
              -XEN_EINVAL, empty_domain(), [](Config& k) { k.flags |= XEN_DOMCTL_CDF_nested_virt; },
              "nested virtualisation of PV");
          refused(
              -XEN_EOPNOTSUPP, empty_domain(), [](Config& k) { k.arch.emulation_flags = XEN_X86_EMU_LAPIC; },
              "a local APIC of PV");
          refused(
              -XEN_EOPNOTSUPP, empty_pvh_domain(), [](Config& k) { k.arch.emulation_flags = 0; },
              "HVM without a local APIC");
          refused(
              0, empty_domain(), [](Config& k) { k.arch.emulation_flags = XEN_X86_EMU_PIT; }, "a timer of PV");
          refused(
              0, empty_pvh_domain(), [](Config& k) { k.arch.emulation_flags = XEN_X86_EMU_ALL & ~XEN_X86_EMU_VPCI; },
              "a whole machine");
        },
}};

const Case kRefusedLeavesNothing{{
    .slug = "domctl.createdomain.refused.id_free",
    .rule = "A creation that fails, early or late, leaves no domain: its id and its memory are free.",
    .source = "public/domctl.h, XEN_DOMCTL_createdomain",
    .method = "Creations under one id that fail in the grant table and in the pool, then one that works.",
    .requirements = {"DOM-CREATE-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          constexpr DomId kWanted{4321};
          DomctlOps control(c.dom0().vcpu(0));
          const auto refused = [&](int64_t expected, auto change, std::string_view what) {
            xen_domctl_t request = empty_domain(kWanted);
            change(request.u.createdomain);
            c.check_eq(control.call(request).result, expected, what);
            c.check_eq(control.pause(kWanted), -XEN_ESRCH, "nobody has the id");
            const auto info = control.domain_info(kWanted);
            c.check(info.result != 0 || info.arg.u.getdomaininfo.domain != kWanted.raw(), "no domain is described");
          };
          refused(
              -XEN_EINVAL, [](auto& config) { config.max_grant_frames = 65; }, "too large a grant table");
          refused(
              -XEN_ESRCH, [](auto& config) { config.cpupool_id = 77; }, "a pool that does not exist");
          refused(
              -XEN_EINVAL, [](auto& config) { config.max_vcpus = 0; }, "no vCPUs");
          const EmptyDomain domain(c, control, empty_domain(kWanted));
          c.check_eq(domain.id(), kWanted, "the id of a creation that works");
        },
}};

}  // namespace
}  // namespace assay
