/// XEN_DOMCTL_soft_reset: a domain that starts over in place.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shutdown_state.hpp"
#include "conformance/guest/vcpu_ops.hpp"

namespace assay {
namespace {

constexpr std::string_view kSource = "public/domctl.h, XEN_DOMCTL_soft_reset; public/sched.h, SHUTDOWN_soft_reset";
constexpr uint64_t kMoment = 20'000'000;

const Case kRunning{{
    .slug = "domctl.soft_reset.running_guest.einval",
    .rule = "A domain whose vCPUs were not stopped by its shutdown cannot be reset: EINVAL, and it goes on.",
    .source = kSource,
    .requirements = {"DOM-LIFE-011"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          EventChannels ours(c.vcpu());
          const DomId id = c.guest().id();
          const auto port = ours.alloc_unbound(DomId{0});
          c.require_eq(port.result, 0, "a port");
          c.check_eq(control.call(XEN_DOMCTL_soft_reset, id).result, -XEN_EINVAL, "of a running domain");
          c.require_eq(control.pause(id), 0, "pausing it");
          c.check_eq(control.call(XEN_DOMCTL_soft_reset, id).result, -XEN_EINVAL, "of a paused domain");
          c.require_eq(control.unpause(id), 0, "unpausing it");
          c.check_eq(ours.status(port.port).arg.status, static_cast<uint32_t>(EVTCHNSTAT_unbound), "its port");
          c.check(!shutdown_state(control, id).shut_down, "it has not shut down");
        },
}};

const Case kReset{{
    .slug = "domctl.soft_reset.shut_down_guest.starts_over",
    .rule = "A reset closes ports and gives the place of shared_info an ordinary page; a PV domain cannot: it crashes.",
    .source = kSource,
    .method = "The guest asks for the reset; the controller pauses, resets and unpauses it.",
    .requirements = {"DOM-LIFE-011"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          EventChannels ours(c.vcpu());
          SchedOps sched(c.vcpu());
          const DomId id = c.guest().id();
          const auto port = ours.alloc_unbound(DomId{0});
          c.require_eq(port.result, 0, "a port");
          const Gva mark = c.guest().shared_info() + offsetof(shared_info_t, arch.max_pfn);
          c.vcpu().write(mark, uint64_t{0x77});
          sched.start_shutdown(SHUTDOWN_soft_reset);
          c.check(!c.vcpu().finish_hypercall(kMoment), "shutdown does not return");
          c.require(wait_shut_down(c, control, id), "the guest has shut down");
          c.check_eq(shutdown_state(control, id).code, static_cast<uint32_t>(SHUTDOWN_soft_reset), "code");
          c.require_eq(control.pause(id), 0, "pausing it");
          const uint64_t pages = control.domain_info(id).arg.u.getdomaininfo.tot_pages;
          const int64_t result = control.call(XEN_DOMCTL_soft_reset, id).result;
          if (c.pv()) {
            c.check_eq(result, -XEN_EINVAL, "soft_reset of a PV domain");
            const ShutdownState state = shutdown_state(control, id);
            c.check(state.shut_down, "it stays shut down");
            c.check_eq(state.code, static_cast<uint32_t>(SHUTDOWN_soft_reset), "the first code stays");
            return;
          }
          c.require_eq(result, 0, "soft_reset");
          c.check(!shutdown_state(control, id).shut_down, "no longer shut down");
          c.check_eq(control.domain_info(id).arg.u.getdomaininfo.tot_pages, pages + 1, "pages");
          c.require_eq(control.unpause(id), 0, "unpausing it");
          c.check_eq(c.vcpu().finish_hypercall(kLongNs), 0, "the call that asked for it returns");
          c.check_eq(ours.status(port.port).arg.status, static_cast<uint32_t>(EVTCHNSTAT_closed), "its port");
          c.check_ne(c.vcpu().read<uint64_t>(mark), 0x77u, "where shared_info was");
          c.vcpu().write(mark, uint64_t{0x78});
          c.check_eq(c.vcpu().read<uint64_t>(mark), 0x78u, "memory is there");
        },
}};

const Case kUnpaused{{
    .slug = "domctl.soft_reset.not_paused.einval",
    .rule = "A domain that has shut down but is not paused by its controller cannot be reset: EINVAL.",
    .source = kSource,
    .requirements = {"DOM-LIFE-011"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          SchedOps(c.vcpu()).start_shutdown(SHUTDOWN_soft_reset);
          c.require(wait_shut_down(c, control, id), "the guest has shut down");
          c.check_eq(control.call(XEN_DOMCTL_soft_reset, id).result, -XEN_EINVAL, "soft_reset");
          c.check(shutdown_state(control, id).shut_down, "it is shut down as before");
        },
}};

const Case kAreas{{
    .slug = "domctl.soft_reset.runstate_area.written_no_more",
    .rule = "Areas that the old kernel had registered are memory like any other after a reset.",
    .source = kSource,
    .requirements = {"DOM-LIFE-011"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          const Gva area = c.guest().alloc_pages(1);
          c.require_eq(VcpuOps(c.vcpu()).register_runstate_area(0, area), 0, "registering an area");
          SchedOps(c.vcpu()).start_shutdown(SHUTDOWN_soft_reset);
          c.require(wait_shut_down(c, control, id), "the guest has shut down");
          c.require_eq(control.pause(id), 0, "pausing it");
          c.require_eq(control.call(XEN_DOMCTL_soft_reset, id).result, 0, "soft_reset");
          c.require_eq(control.unpause(id), 0, "unpausing it");
          c.require_eq(c.vcpu().finish_hypercall(kLongNs), 0, "the call that asked for it returns");
          c.vcpu().fill(area, sizeof(vcpu_runstate_info_t), kUntouchedByte);
          for (int i = 0; i < 2; ++i) {
            c.require_eq(control.pause(id), 0, "taking it off its pCPU");
            c.require_eq(control.unpause(id), 0, "and back");
            c.check_eq(c.vcpu().hypercall(__HYPERVISOR_xen_version, {XENVER_pagesize, 0}), 4096, "it runs");
          }
          c.check_eq(c.vcpu().read<uint64_t>(area), kUntouched64, "where the area was");
        },
}};

}  // namespace
}  // namespace assay
