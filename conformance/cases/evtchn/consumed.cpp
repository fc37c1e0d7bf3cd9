/// Ports that the hypervisor itself consumes: here that of an HVM domain's monitor ring, opened by dom0.
#include "conformance/case.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

/// A monitor ring in a zeroed page of the guest, and dom0's operations on it.
class MonitorRing {
 public:
  explicit MonitorRing(CaseContext& c) : c_(c), control_(c.dom0().vcpu(0)), page_(c.guest().alloc_pages(1)) {
    Scratch memory(c.dom0().vcpu(0));
    xen_hvm_param_t where{};
    where.domid = c.guest().id().raw();
    where.index = HVM_PARAM_MONITOR_RING_PFN;
    where.value = c.guest().gfn_of(page_).raw();
    const auto set = call_with(memory, __HYPERVISOR_hvm_op, HVMOP_set_param, where);
    c.require_eq(set.result, 0, "set-up: naming the ring's page");
    const auto opened = op(XEN_VM_EVENT_ENABLE);
    c.require_eq(opened.result, 0, "set-up: opening the ring");
    port_ = EvtchnPort{opened.arg.u.vm_event_op.u.enable.port};
  }
  [[nodiscard]] EvtchnPort port() const { return port_; }
  /// The ring's indices: req_prod, req_event, rsp_prod, rsp_event.
  [[nodiscard]] uint32_t index(uint32_t number) const { return c_.vcpu().read<uint32_t>(page_ + number * 4); }
  void respond(uint32_t count) { c_.vcpu().write(page_ + 8, count); }
  void close() { c_.require_eq(op(XEN_VM_EVENT_DISABLE).result, 0, "closing the ring"); }

 private:
  Called<xen_domctl_t> op(uint32_t what) {
    xen_domctl_t request = DomctlOps::request(XEN_DOMCTL_vm_event_op, c_.guest().id());
    request.u.vm_event_op.op = what;
    request.u.vm_event_op.mode = XEN_DOMCTL_VM_EVENT_OP_MONITOR;
    return control_.call(request);
  }
  CaseContext& c_;
  DomctlOps control_;
  Gva page_;
  EvtchnPort port_{};
};

const Case kRefused{{
    .slug = "evtchn.consumed_port.guest.refused",
    .rule = "A guest can neither close, use, move nor look at a port that the hypervisor consumes.",
    .source = "public/event_channel.h, EVTCHNOP_close and EVTCHNOP_status",
    .requirements = {"EVTCHN-CLOSE-002", "EVTCHN-STATUS-004", "EVTCHN-SEND-003"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MonitorRing ring(c);
          EventChannels ours(c.vcpu());
          EventChannels control(c.dom0().vcpu(0));
          SchedOps sched(c.vcpu());
          c.check_eq(ours.status(ring.port()).result, -XEN_EACCES, "status");
          c.check_eq(control.status(ring.port(), c.guest().id()).result, -XEN_EACCES, "status, asked by dom0");
          c.check_eq(ours.close(ring.port()), -XEN_EINVAL, "close");
          c.check_eq(ours.send(ring.port()), -XEN_EINVAL, "send");
          c.check_eq(ours.bind_vcpu(ring.port(), 1), -XEN_EINVAL, "bind_vcpu");
          c.check_eq(ours.bind_interdomain(kDomSelf, ring.port()).result, -XEN_EINVAL, "binding it from here");
          c.check_eq(sched.poll({ring.port()}, 1), -XEN_EINVAL, "poll");
          c.check_eq(ours.unmask(ring.port()), 0, "unmask, which does nothing");
          const PortResult bound = control.bind_interdomain(c.guest().id(), ring.port());
          c.check_eq(bound.result, 0, "dom0 can bind it after all that");
          c.require_eq(control.close(bound.port), 0, "and close its end");
          ring.close();
          check_closed(c, ours, ring.port(), "the port when the ring is closed");
        },
}};

const Case kConsumed{{
    .slug = "evtchn.consumed_port.send.consumer_runs",
    .rule =
        "A send to a port that the hypervisor consumes runs its consumer and leaves the domain's shared_info alone.",
    .source = "public/event_channel.h, EVTCHNOP_send",
    .method = "The monitor takes responses out of its ring and writes in front of which one it wants to be told next.",
    .requirements = {"EVTCHN-SEND-006"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MonitorRing ring(c);
          const SharedInfo info(c.vcpu());
          EventChannels control(c.dom0().vcpu(0));
          const PortResult bound = control.bind_interdomain(c.guest().id(), ring.port());
          c.require_eq(bound.result, 0, "dom0 binds the port");
          ring.respond(2);
          c.check_eq(ring.index(3), 0u, "rsp_event before the send");
          c.check_eq(control.send(bound.port), 0, "send");
          c.check_eq(ring.index(3), 3u, "rsp_event: two responses were taken");
          c.check(!info.pending(ring.port()), "not pending in the guest");
          c.check_eq(info.selector(0), 0, "selector");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
          ring.close();
          check_unbound(c, control, bound.port, c.guest().id(), "dom0's end when the ring is closed");
          c.require_eq(control.close(bound.port), 0, "closing it");
        },
}};

const Case kSurvives{{
    .slug = "evtchn.consumed_port.reset.survives",
    .rule = "A reset closes the guest's ports and leaves those that the hypervisor consumes, bound or not.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-003"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MonitorRing ring(c);
          EventChannels ours(c.vcpu());
          EventChannels control(c.dom0().vcpu(0));
          const EvtchnPort own = ours.bind_ipi(0).port;
          c.check_eq(ours.reset(), 0, "reset with the port unbound");
          check_closed(c, ours, own, "the guest's own port");
          c.check_eq(ours.status(ring.port()).result, -XEN_EACCES, "status of the consumed one");
          const PortResult bound = control.bind_interdomain(c.guest().id(), ring.port());
          c.require_eq(bound.result, 0, "dom0 binds it");
          c.check_eq(ours.reset(), 0, "reset with the port bound");
          const auto peer = control.status(bound.port);
          c.check_eq(peer.arg.status, uint32_t{EVTCHNSTAT_interdomain}, "dom0's end");
          c.check_eq(peer.arg.u.interdomain.port, ring.port().raw(), "bound to it");
          ring.close();
          c.require_eq(control.close(bound.port), 0, "closing dom0's end");
        },
}};

const Case kRingClosed{{
    .slug = "domctl.vm_event_op.ring_closed.domain_can_go",
    .rule = "A ring that was closed keeps nothing of its domain, which is gone when it is destroyed.",
    .source = "public/domctl.h, XEN_DOMCTL_vm_event_op",
    .requirements = {"DOM-LIFE-006"},
    .guests = GuestTypes::kPvh,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          MonitorRing(c).close();
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          c.require(wait_until(c, [&] { return control.call(XEN_DOMCTL_destroydomain, id).result == 0; }),
                    "destroying");
          c.check(wait_until(c,
                             [&] {
                               const auto info = control.domain_info(id);
                               return info.result != 0 || info.arg.u.getdomaininfo.domain != id.raw();
                             }),
                  "the domain is gone");
        },
}};

}  // namespace
}  // namespace assay
