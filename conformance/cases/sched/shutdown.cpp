#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/shutdown_state.hpp"

namespace assay {
namespace {

/// Longer than a domain that was destroyed takes to go away.
constexpr uint64_t kSettleNs = 20'000'000;

const Case kLowByte{{
    .slug = "sched.shutdown.reason.low_byte_recorded",
    .rule = "shutdown stops the domain and records the low 8 bits of the reason; when simply resumed it returns 0.",
    .source = "public/sched.h, SCHEDOP_shutdown",
    .requirements = {"SCHED-004"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          DomctlOps control(c.dom0().vcpu(0));
          SchedOps sched(us);
          const DomId id = c.guest().id();
          c.check(!shutdown_state(control, id).shut_down, "it runs at first");
          for (const uint32_t reason : {0x1234'5601u, 0x42u}) {
            sched.start_shutdown(reason);
            c.require(wait_shut_down(c, control, id), "the domain shuts down");
            c.check_eq(shutdown_state(control, id).code, reason & 0xff, "recorded code");
            c.check(!us.finish_hypercall(kWatchNs), "the caller is stopped");
            c.require_eq(control.call(XEN_DOMCTL_resumedomain, id).result, 0, "resuming");
            c.require_eq(us.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of shutdown");
            c.check(!shutdown_state(control, id).shut_down, "it runs again");
          }
        },
}};

const Case kStopsEveryVcpu{{
    .slug = "sched.shutdown.one_vcpu.all_stop",
    .rule = "A shutdown by one vCPU stops every vCPU of the domain until it is resumed.",
    .source = "public/sched.h, SCHEDOP_shutdown",
    .requirements = {"SCHED-004"},
    .needs = {Capability::kDom0},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          SchedOps sched(c.vcpu(1));
          sched.start_shutdown(SHUTDOWN_reboot);
          c.require(wait_shut_down(c, control, id), "the domain shuts down");
          c.vcpu(0).start_hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
          c.check(!c.vcpu(0).finish_hypercall(kWatchNs), "the other vCPU is stopped too");
          c.require_eq(control.call(XEN_DOMCTL_resumedomain, id).result, 0, "resuming");
          c.check(c.vcpu(0).finish_hypercall(kLongNs).has_value(), "the other vCPU goes on");
          c.check_eq(c.vcpu(1).finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of shutdown");
        },
}};

const Case kCodeOnly{{
    .slug = "sched.shutdown_code.running.recorded_only",
    .rule = "shutdown_code records the reason and returns 0; the domain goes on. A later one changes nothing.",
    .source = "public/sched.h, SCHEDOP_shutdown_code",
    .requirements = {"SCHED-005", "SCHED-006"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          SchedOps sched(c.vcpu());
          const DomId id = c.guest().id();
          c.check_eq(shutdown_state(control, id).code, kNoShutdownCode, "code at first");
          c.check_eq(sched.shutdown_code(SHUTDOWN_reboot), 0, "shutdown_code");
          const ShutdownState state = shutdown_state(control, id);
          c.check(!state.shut_down, "the domain has not shut down");
          c.check_eq(state.code, uint32_t{SHUTDOWN_reboot}, "recorded code");
          c.check_eq(sched.shutdown_code(SHUTDOWN_poweroff), 0, "shutdown_code again");
          c.check_eq(shutdown_state(control, id).code, uint32_t{SHUTDOWN_reboot}, "the code that was first");
        },
}};

const Case kFirstCodeWins{{
    .slug = "sched.shutdown.code_recorded_before.kept",
    .rule = "A code that was recorded before the shutdown is kept; resuming forgets it.",
    .source = "public/sched.h, SCHEDOP_shutdown_code",
    .requirements = {"SCHED-005", "SCHED-006"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          SchedOps sched(c.vcpu());
          const DomId id = c.guest().id();
          c.require_eq(sched.shutdown_code(SHUTDOWN_watchdog), 0, "shutdown_code");
          sched.start_shutdown(SHUTDOWN_poweroff);
          c.require(wait_shut_down(c, control, id), "the domain shuts down");
          c.check_eq(shutdown_state(control, id).code, uint32_t{SHUTDOWN_watchdog}, "recorded code");
          c.require_eq(control.call(XEN_DOMCTL_resumedomain, id).result, 0, "resuming");
          c.require_eq(c.vcpu().finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of shutdown");
          c.check_eq(shutdown_state(control, id).code, kNoShutdownCode, "code after it was resumed");
        },
}};

const Case kBadPointer{{
    .slug = "sched.shutdown.bad_pointer.efault",
    .rule = "A reason that cannot be read gives EFAULT: the domain goes on and no code is recorded.",
    .source = "public/sched.h, SCHEDOP_shutdown",
    .requirements = {"HCALL-020", "SCHED-004", "SCHED-006"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          DomctlOps control(c.dom0().vcpu(0));
          SchedOps sched(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(sched.raw(SCHEDOP_shutdown, bad.va), -XEN_EFAULT, bad.what);
            c.check_eq(sched.raw(SCHEDOP_shutdown_code, bad.va), -XEN_EFAULT, bad.what);
          }
          const ShutdownState state = shutdown_state(control, c.guest().id());
          c.check(!state.shut_down, "the domain has not shut down");
          c.check_eq(state.code, kNoShutdownCode, "recorded code");
        },
}};

const Case kDomExc{{
    .slug = "sched.shutdown.not_suspend.virq_dom_exc",
    .rule = "A domain that shuts down raises VIRQ_DOM_EXC in the privileged domain.",
    .source = "public/xen.h, VIRQ_DOM_EXC",
    .requirements = {"SCHED-007"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          DomctlOps control(dom0);
          EventChannels channels(dom0);
          const DomId id = c.guest().id();
          const PortResult bound = channels.bind_virq(VIRQ_DOM_EXC, 0);
          c.require_eq(bound.result, 0, "binding VIRQ_DOM_EXC in dom0");
          SharedInfo(dom0).clear_pending(bound.port);
          SchedOps sched(c.vcpu());
          sched.start_shutdown(SHUTDOWN_poweroff);
          c.require(wait_shut_down(c, control, id), "the domain shuts down");
          c.check(wait_until(c, [&] { return SharedInfo(dom0).pending(bound.port); }), "VIRQ_DOM_EXC is pending");
          c.check_eq(channels.close(bound.port), 0, "closing the port");
        },
}};

const Case kSuspendPort{{
    .slug = "sched.shutdown.suspend.subscribed_port_notified",
    .rule = "A suspend notifies the port that the controller subscribed, and does not raise VIRQ_DOM_EXC.",
    .source = "public/domctl.h, XEN_DOMCTL_subscribe",
    .requirements = {"SCHED-007"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          DomctlOps control(dom0);
          EventChannels channels(dom0);
          SharedInfo info(dom0);
          const DomId id = c.guest().id();
          const ChannelPair pair = connect_channel(c, dom0, c.vcpu());
          const EvtchnPort exception = channels.bind_virq(VIRQ_DOM_EXC, 0).port;
          info.clear_pending(pair.local);
          // The end of an earlier domain raises it as well, when its last reference goes: not before that has settled.
          do {
            info.clear_pending(exception);
            c.target().pass_time(kSettleNs);
          } while (info.pending(exception));
          xen_domctl_t subscribe = DomctlOps::request(XEN_DOMCTL_subscribe, id);
          subscribe.u.subscribe.port = pair.remote.raw();
          c.require_eq(control.call(subscribe).result, 0, "subscribing to the guest's port");
          SchedOps sched(c.vcpu());
          sched.start_shutdown(SHUTDOWN_suspend);
          c.require(wait_shut_down(c, control, id), "the domain suspends");
          c.check_eq(shutdown_state(control, id).code, uint32_t{SHUTDOWN_suspend}, "recorded code");
          c.check(wait_until(c, [&] { return info.pending(pair.local); }), "our end of the port is pending");
          c.check(!info.pending(exception), "VIRQ_DOM_EXC is not pending");
          c.check_eq(channels.close(pair.local), 0, "closing our end");
          c.check_eq(channels.close(exception), 0, "closing VIRQ_DOM_EXC");
        },
}};

const Case kRemoteRefused{{
    .slug = "sched.remote_shutdown.guest.eperm",
    .rule = "A guest may shut down no domain this way, itself included: EPERM. No such domain: ESRCH.",
    .source = "public/sched.h, SCHEDOP_remote_shutdown",
    .requirements = {"SCHED-008"},
    .needs = {Capability::kTwoGuests, Capability::kDom0},
    .body =
        [](CaseContext& c) {
          SchedOps sched(c.vcpu());
          DomctlOps control(c.dom0().vcpu(0));
          c.check_eq(sched.remote_shutdown(c.peer().id(), SHUTDOWN_poweroff), -XEN_EPERM, "the peer");
          c.check_eq(sched.remote_shutdown(DomId{0}, SHUTDOWN_poweroff), -XEN_EPERM, "domain 0");
          c.check_eq(sched.remote_shutdown(c.guest().id(), SHUTDOWN_poweroff), -XEN_EPERM, "itself, by its id");
          c.check_eq(sched.remote_shutdown(kDomAbsent, SHUTDOWN_poweroff), -XEN_ESRCH, "an absent domain");
          c.check_eq(sched.remote_shutdown(kDomSelf, SHUTDOWN_poweroff), -XEN_ESRCH, "DOMID_SELF is no id here");
          const ShutdownState state = shutdown_state(control, c.peer().id());
          c.check(!state.shut_down, "the peer has not shut down");
          c.check_eq(state.code, kNoShutdownCode, "the peer's code");
        },
}};

const Case kRemoteByDom0{{
    .slug = "sched.remote_shutdown.dom0.stops_guest",
    .rule = "The privileged domain may shut a guest down: it stops, with the low 8 bits of the reason as its code.",
    .source = "public/sched.h, SCHEDOP_remote_shutdown",
    .requirements = {"SCHED-008", "SCHED-004"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          SchedOps dom0(c.dom0().vcpu(0));
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          c.check_eq(dom0.remote_shutdown(kDomAbsent, SHUTDOWN_reboot), -XEN_ESRCH, "an absent domain");
          c.check_eq(dom0.remote_shutdown(id, 0x100u | SHUTDOWN_reboot), 0, "the guest");
          c.require(wait_shut_down(c, control, id), "the guest shuts down");
          c.check_eq(shutdown_state(control, id).code, uint32_t{SHUTDOWN_reboot}, "recorded code");
          us.start_hypercall(__HYPERVISOR_xen_version, {XENVER_version, 0});
          c.check(!us.finish_hypercall(kWatchNs), "it is stopped");
          c.require_eq(control.call(XEN_DOMCTL_resumedomain, id).result, 0, "resuming");
          c.check(us.finish_hypercall(kLongNs).has_value(), "it goes on");
        },
}};

}  // namespace
}  // namespace assay
