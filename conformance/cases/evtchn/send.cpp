#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

const Case kRemotePending{{
    .slug = "evtchn.send.interdomain.remote_pending",
    .rule = "A send makes the port at the other end pending, and nothing at the sender's.",
    .source = "public/event_channel.h, EVTCHNOP_send",
    .requirements = {"EVTCHN-SEND-001"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          Vcpu& them = c.peer().vcpu(0);
          const ChannelPair pair = quiet_channel(c, us, them);
          c.check_eq(EventChannels(us).send(pair.local), 0, "we send");
          c.check(SharedInfo(them).pending(pair.remote), "the peer's port is pending");
          c.check(!SharedInfo(us).pending(pair.local), "ours is not");
          c.check_eq(SharedInfo(us).upcall_pending(0), 0, "our upcall pending");
          c.check_eq(EventChannels(them).send(pair.remote), 0, "the peer sends");
          c.check(SharedInfo(us).pending(pair.local), "our port is pending");
        },
}};

const Case kUnbound{{
    .slug = "evtchn.send.unbound.no_effect",
    .rule = "A send on a port that nobody has bound returns 0 and does nothing.",
    .source = "public/event_channel.h, EVTCHNOP_send",
    .requirements = {"EVTCHN-SEND-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomSelf);
          const shared_info_t before = SharedInfo(c.vcpu()).all();
          c.check_eq(ours.send(port), 0, "send");
          const shared_info_t after = SharedInfo(c.vcpu()).all();
          for (size_t word = 0; word < std::size(after.evtchn_pending); ++word) {
            c.check_eq(after.evtchn_pending[word], before.evtchn_pending[word], "word of pending bits");
          }
          c.check_eq(after.vcpu_info[0].evtchn_upcall_pending, before.vcpu_info[0].evtchn_upcall_pending, "upcall");
          check_unbound(c, ours, port, c.guest().id(), "the port afterwards");
        },
}};

const Case kNotSendable{{
    .slug = "evtchn.send.not_sendable.einval",
    .rule = "A port that is free, reserved, bound to a virq or does not exist cannot be sent on: EINVAL, no effect.",
    .source = "public/event_channel.h, EVTCHNOP_send",
    .requirements = {"EVTCHN-SEND-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const SharedInfo info(c.vcpu());
          const EvtchnPort virq = ours.bind_virq(VIRQ_DEBUG, 0).port;
          const EvtchnPort global = ours.bind_virq(VIRQ_CONSOLE, 0).port;
          for (const EvtchnPort port : {EvtchnPort{0}, virq, global, EvtchnPort{7}}) {
            c.check_eq(ours.send(port), -XEN_EINVAL, "port that exists");
            c.check(!info.pending(port), "it is not pending");
          }
          for (const uint32_t port : {4095u, 4096u, 0x8000'0000u, 0xffff'ffffu}) {
            c.check_eq(ours.send(EvtchnPort{port}), -XEN_EINVAL, "port that does not exist");
          }
        },
}};

const Case kTwice{{
    .slug = "evtchn.send.twice.one_event",
    .rule = "A port that is pending stays so: a second send adds nothing to selector or upcall flag.",
    .source = "public/event_channel.h, EVTCHNOP_send",
    .method = "Between the sends the guest clears selector and upcall flag, and keeps the pending bit.",
    .requirements = {"EVTCHN-SEND-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.require_eq(ours.send(port), 0, "first send");
          c.check_eq(info.take_selector(0), 1, "selector after the first send");
          c.check_eq(info.set_upcall_pending(0, 0), 1, "upcall pending after the first send");
          c.check_eq(ours.send(port), 0, "second send");
          c.check(info.pending(port), "still pending");
          c.check_eq(info.selector(0), 0, "selector after the second send");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending after the second send");
        },
}};

const Case kPausedReceiver{{
    .slug = "evtchn.send.paused_receiver.not_lost",
    .rule = "A send neither waits nor fails when the receiver cannot run; the event is there when it does.",
    .source = "public/event_channel.h, EVTCHNOP_send",
    .method = "dom0 pauses the peer; the guest sends on a masked and on an unmasked port; the peer is let go.",
    .requirements = {"EVTCHN-SEND-005"},
    .needs = {Capability::kTwoGuests, Capability::kDom0},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo theirs(c.peer().vcpu(0));
          DomctlOps dom0(c.dom0().vcpu(0));
          const ChannelPair unmasked = quiet_channel(c, c.vcpu(), c.peer().vcpu(0));
          const ChannelPair masked = quiet_channel(c, c.vcpu(), c.peer().vcpu(0));
          theirs.mask(masked.remote);
          c.require_eq(dom0.pause(c.peer().id()), 0, "pausing the peer");
          c.check_eq(ours.send(unmasked.local), 0, "send to the unmasked port");
          c.check_eq(ours.send(masked.local), 0, "send to the masked port");
          c.require_eq(dom0.unpause(c.peer().id()), 0, "letting the peer go");
          c.check(theirs.pending(unmasked.remote), "the unmasked port is pending");
          c.check(theirs.pending(masked.remote), "the masked port is pending");
          c.check_eq(theirs.upcall_pending(0), 1, "upcall pending");
        },
}};

}  // namespace
}  // namespace assay
