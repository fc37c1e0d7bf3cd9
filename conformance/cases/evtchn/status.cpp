#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"

namespace assay {
namespace {

const Case kClosed{{
    .slug = "evtchn.status.free_and_reserved.closed",
    .rule = "Port 0, a port never handed out and one that was closed all report closed, with result 0.",
    .source = "public/event_channel.h, EVTCHNOP_status",
    .requirements = {"EVTCHN-STATUS-001", "EVTCHN-STATUS-006"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          check_closed(c, ours, EvtchnPort{0}, "port 0");
          check_closed(c, ours, EvtchnPort{5}, "a port never handed out");
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomSelf);
          c.check_eq(ours.status(port).arg.status, uint32_t{EVTCHNSTAT_unbound}, "an open port");
          c.require_eq(ours.close(port), 0, "closing it");
          check_closed(c, ours, port, "a closed port");
        },
}};

const Case kBeyondRange{{
    .slug = "evtchn.status.beyond_range.einval",
    .rule = "Ports past those that have come into being so far give EINVAL; handing out ports brings more into being.",
    .source = "xen/common/event_channel.c, evtchn_status",
    .method = "Port 1000 is asked for in a fresh guest, and again when all below it have been handed out.",
    .requirements = {"EVTCHN-STATUS-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort high{1000};
          const auto before = ours.status(high);
          c.check_eq(before.result, -XEN_EINVAL, "a port that does not exist yet");
          c.check_eq(before.arg.status, kUntouched32, "status field after the error");
          for (const uint32_t port : {4095u, 4096u, 0x8000'0000u, 0xffff'ffffu}) {
            c.check_eq(ours.status(EvtchnPort{port}).result, -XEN_EINVAL, "a port far out");
          }
          c.require_eq(allocate_ports(c.vcpu(), high.raw()).ports, high.raw(), "handing out ports 1 to 1000");
          c.check_eq(ours.status(high).result, 0, "the port when it was handed out");
          c.require_eq(ours.close(high), 0, "closing it");
          check_closed(c, ours, high, "the port afterwards");
        },
}};

const Case kEachKind{{
    .slug = "evtchn.status.each_kind.reported",
    .rule = "The status tells the kind of port, what it is bound to, and the vCPU that it notifies.",
    .source = "public/event_channel.h, EVTCHNOP_status",
    .requirements = {"EVTCHN-STATUS-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort unbound = offer_port(c, c.vcpu(), kDomAbsent);
          check_unbound(c, ours, unbound, kDomAbsent, "unbound port");
          c.require_eq(ours.bind_vcpu(unbound, 1), 0, "moving it to vCPU 1");
          c.check_eq(ours.status(unbound).arg.vcpu, 1, "its vCPU after the move");

          const auto virq = ours.status(ours.bind_virq(VIRQ_DEBUG, 1).port);
          c.check_eq(virq.arg.status, uint32_t{EVTCHNSTAT_virq}, "virq port");
          c.check_eq(virq.arg.u.virq, uint32_t{VIRQ_DEBUG}, "its virq");
          c.check_eq(virq.arg.vcpu, 1, "its vCPU");

          const auto ipi = ours.status(ours.bind_ipi(1).port);
          c.check_eq(ipi.arg.status, uint32_t{EVTCHNSTAT_ipi}, "IPI port");
          c.check_eq(ipi.arg.vcpu, 1, "its vCPU");

          const EvtchnPort offered = offer_port(c, c.vcpu(), kDomSelf);
          const EvtchnPort bound = ours.bind_interdomain(kDomSelf, offered).port;
          const auto interdomain = ours.status(bound);
          c.check_eq(interdomain.arg.status, uint32_t{EVTCHNSTAT_interdomain}, "interdomain port");
          c.check_eq(interdomain.arg.u.interdomain.dom, c.guest().id().raw(), "its peer domain");
          c.check_eq(interdomain.arg.u.interdomain.port, offered.raw(), "its peer port");
          c.check_eq(interdomain.arg.vcpu, 0, "its vCPU");
        },
}};

const Case kAbsentDom{{
    .slug = "evtchn.status.absent_dom.esrch",
    .rule = "No such domain: ESRCH. DOMID_SELF and the caller's own id are the caller.",
    .source = "public/event_channel.h, EVTCHNOP_status",
    .requirements = {"EVTCHN-STATUS-005"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomSelf);
          for (const DomId dom : {kDomAbsent, kDomInvalid}) {
            c.check_eq(ours.status(port, dom).result, -XEN_ESRCH, "absent domain");
            c.check_eq(ours.status(EvtchnPort{0xffff'ffff}, dom).result, -XEN_ESRCH, "absent domain and bad port");
          }
          c.check_eq(ours.status(port, c.guest().id()).result, 0, "the caller's own id");
        },
}};

const Case kForeign{{
    .slug = "evtchn.status.foreign_dom.einval_before_eperm",
    .rule = "A guest may not ask about another domain: EPERM; but a port that does not exist there gives EINVAL first.",
    .source = "xen/common/event_channel.c, evtchn_status",
    .requirements = {"EVTCHN-STATUS-005", "EVTCHN-STATUS-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort port = offer_port(c, c.peer().vcpu(0), c.guest().id());
          const auto status = ours.status(port, c.peer().id());
          c.check_eq(status.result, -XEN_EPERM, "a port of the peer");
          c.check_eq(status.arg.status, kUntouched32, "status field after the error");
          c.check_eq(ours.status(EvtchnPort{0}, c.peer().id()).result, -XEN_EPERM, "its port 0");
          c.check_eq(ours.status(EvtchnPort{4095}, c.peer().id()).result, -XEN_EINVAL, "a port it does not have");
        },
}};

const Case kDom0Asks{{
    .slug = "evtchn.status.dom0_asks.allowed",
    .rule = "The privileged domain may ask about any domain.",
    .source = "public/event_channel.h, EVTCHNOP_status",
    .requirements = {"EVTCHN-STATUS-005"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          EventChannels dom0(c.dom0().vcpu(0));
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomAbsent);
          const auto status = dom0.status(port, c.guest().id());
          c.check_eq(status.result, 0, "a port of the guest");
          c.check_eq(status.arg.status, uint32_t{EVTCHNSTAT_unbound}, "its kind");
          c.check_eq(status.arg.u.unbound.dom, kDomAbsent.raw(), "the domain that it waits for");
          c.check_eq(dom0.status(EvtchnPort{4095}, c.guest().id()).result, -XEN_EINVAL, "a port it does not have");
        },
}};

}  // namespace
}  // namespace assay
