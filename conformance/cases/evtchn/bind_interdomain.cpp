#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

void check_connected(CaseContext& c, EventChannels& channels, EvtchnPort port, DomId dom, EvtchnPort to) {
  const auto status = channels.status(port);
  c.check_eq(status.result, 0, "status");
  c.require_eq(status.arg.status, uint32_t{EVTCHNSTAT_interdomain}, "kind of port");
  c.check_eq(status.arg.u.interdomain.dom, dom.raw(), "peer domain");
  c.check_eq(status.arg.u.interdomain.port, to.raw(), "peer port");
}

const Case kConnects{{
    .slug = "evtchn.bind_interdomain.offered_port.connects",
    .rule = "Binding connects a new local port with the offered one; each end's status names the other.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-001"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          Vcpu& them = c.peer().vcpu(0);
          EventChannels ours(us);
          EventChannels theirs(them);
          offer_port(c, us, kDomSelf);  // so that the two ends get different numbers
          const ChannelPair pair = connect_channel(c, us, them);
          c.check_eq(pair.remote, kFirstPort, "offered port");
          c.check_eq(pair.local, EvtchnPort{2}, "local port, the lowest free one");
          check_connected(c, ours, pair.local, c.peer().id(), pair.remote);
          check_connected(c, theirs, pair.remote, c.guest().id(), pair.local);
        },
}};

const Case kLocalPending{{
    .slug = "evtchn.bind_interdomain.success.local_pending",
    .rule = "The local port starts pending, in case the peer sent before; the remote port does not.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          Vcpu& them = c.peer().vcpu(0);
          const ChannelPair pair = connect_channel(c, us, them);
          const SharedInfo ours(us);
          const SharedInfo theirs(them);
          c.check(ours.pending(pair.local), "the local port is pending");
          c.check(ours.selected(pair.local, 0), "its selector bit is set");
          c.check(!theirs.pending(pair.remote), "the remote port is not pending");
          c.check_eq(theirs.upcall_pending(0), 0, "upcall pending of the peer");
        },
}};

const Case kAbsentRemote{{
    .slug = "evtchn.bind_interdomain.absent_remote.esrch",
    .rule = "No such remote domain: ESRCH, and no local port is taken.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-003", "EVTCHN-INTER-006"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const DomId dom : {kDomAbsent, kDomInvalid}) {
            const PortResult got = ours.bind_interdomain(dom, kFirstPort);
            c.check_eq(got.result, -XEN_ESRCH, "binding to an absent domain");
            c.check_eq(got.port, kNoPort, "port field after the error");
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
        },
}};

const Case kRemoteNotOpen{{
    .slug = "evtchn.bind_interdomain.remote_not_unbound.einval",
    .rule = "A remote port that does not exist, is free, reserved, or bound to something else gives EINVAL.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-004", "EVTCHN-INTER-006"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          const EvtchnPort ipi = theirs.bind_ipi(0).port;
          const EvtchnPort virq = theirs.bind_virq(VIRQ_DEBUG, 0).port;
          const EvtchnPort never{40};
          for (const EvtchnPort port : {EvtchnPort{0}, never, ipi, virq, EvtchnPort{4095}, EvtchnPort{4096}, kNoPort}) {
            c.check_eq(ours.bind_interdomain(c.peer().id(), port).result, -XEN_EINVAL,
                       "binding a port that is not open");
          }
          check_lowest_free(c, ours, kFirstPort, "our lowest free port afterwards");
          check_closed(c, theirs, never, "the peer's free port afterwards");
        },
}};

const Case kRemoteInUse{{
    .slug = "evtchn.bind_interdomain.remote_in_use.einval",
    .rule = "A port that is already bound cannot be bound a second time: EINVAL, and the first binding stays.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-004", "EVTCHN-INTER-006"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          const ChannelPair pair = connect_channel(c, c.vcpu(), c.peer().vcpu(0));
          c.check_eq(ours.bind_interdomain(c.peer().id(), pair.remote).result, -XEN_EINVAL, "binding a second time");
          check_connected(c, ours, pair.local, c.peer().id(), pair.remote);
          check_connected(c, theirs, pair.remote, c.guest().id(), pair.local);
          check_lowest_free(c, ours, EvtchnPort{pair.local.raw() + 1}, "our lowest free port");
        },
}};

const Case kReservedForOther{{
    .slug = "evtchn.bind_interdomain.reserved_for_other.einval",
    .rule = "Only the domain that a port was offered to may bind it; for another: EINVAL, and the offer stands.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-004", "EVTCHN-INTER-006"},
    .needs = {Capability::kThreeGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          EventChannels strangers(c.third().vcpu(0));
          const EvtchnPort offered = offer_port(c, c.vcpu(), c.peer().id());
          c.check_eq(strangers.bind_interdomain(c.guest().id(), offered).result, -XEN_EINVAL, "the third domain binds");
          check_unbound(c, ours, offered, c.peer().id(), "the offer afterwards");
          check_lowest_free(c, strangers, kFirstPort, "the third domain's lowest free port");
          c.check_eq(theirs.bind_interdomain(c.guest().id(), offered).result, 0, "the right domain binds");
        },
}};

const Case kLoopback{{
    .slug = "evtchn.bind_interdomain.loopback.works",
    .rule = "A domain may bind its own port when that was offered to itself; sending on one end raises the other.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-005", "EVTCHN-ALLOC-003", "EVTCHN-SEND-001"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          EventChannels ours(us);
          SharedInfo info(us);
          const EvtchnPort offered = offer_port(c, us, kDomSelf);
          const PortResult bound = ours.bind_interdomain(kDomSelf, offered);
          c.require_eq(bound.result, 0, "binding our own port");
          check_connected(c, ours, offered, c.guest().id(), bound.port);
          check_connected(c, ours, bound.port, c.guest().id(), offered);
          info.acknowledge(bound.port, 0);
          c.check_eq(ours.send(bound.port), 0, "send");
          c.check(info.pending(offered), "the other end is pending");
          c.check(!info.pending(bound.port), "the sending end is not");
        },
}};

const Case kLoopbackRefused{{
    .slug = "evtchn.bind_interdomain.loopback_offered_to_other.einval",
    .rule = "Owning a port is no right to bind it: offered to another domain, it gives EINVAL to its owner.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-004", "EVTCHN-INTER-005"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort offered = offer_port(c, c.vcpu(), DomId{0});
          c.check_eq(ours.bind_interdomain(kDomSelf, offered).result, -XEN_EINVAL, "the owner binds");
          check_unbound(c, ours, offered, DomId{0}, "the offer afterwards");
          check_lowest_free(c, ours, EvtchnPort{2}, "lowest free port");
        },
}};

const Case kFullLocal{{
    .slug = "evtchn.bind_interdomain.full_local.enospc_before_einval",
    .rule = "Errors in order: ESRCH for the domain, ENOSPC for want of a local port, EINVAL for the remote port.",
    .source = "xen/common/event_channel.c, evtchn_bind_interdomain",
    .requirements = {"EVTCHN-INTER-007", "EVTCHN-INTER-003"},
    .needs = {Capability::kTwoGuests},
    .max_evtchn_port = 3,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const DomId peer = c.peer().id();
          c.require_eq(exhaust_ports(c.vcpu()).refusal, -XEN_ENOSPC, "set-up: no local port is left");
          c.check_eq(ours.bind_interdomain(kDomAbsent, kFirstPort).result, -XEN_ESRCH, "absent domain");
          c.check_eq(ours.bind_interdomain(peer, EvtchnPort{2}).result, -XEN_ENOSPC, "remote port that is not open");
          c.require_eq(ours.close(EvtchnPort{3}), 0, "making room");
          c.check_eq(ours.bind_interdomain(peer, EvtchnPort{2}).result, -XEN_EINVAL, "the same with a port free");
          check_lowest_free(c, ours, EvtchnPort{3}, "lowest free port");
        },
}};

}  // namespace
}  // namespace assay
