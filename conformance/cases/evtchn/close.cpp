#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

const Case kNotOpen{{
    .slug = "evtchn.close.not_open.einval",
    .rule = "A port that is reserved, free, already closed or does not exist cannot be closed: EINVAL.",
    .source = "public/event_channel.h, EVTCHNOP_close",
    .requirements = {"EVTCHN-CLOSE-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          c.check_eq(ours.close(EvtchnPort{0}), -XEN_EINVAL, "port 0");
          c.check_eq(ours.close(kFirstPort), -XEN_EINVAL, "a free port");
          for (const uint32_t port : {4095u, 4096u, 0x8000'0000u, 0xffff'ffffu}) {
            c.check_eq(ours.close(EvtchnPort{port}), -XEN_EINVAL, "a port that does not exist");
          }
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomSelf);
          c.check_eq(ours.close(port), 0, "an open port");
          c.check_eq(ours.close(port), -XEN_EINVAL, "the same again");
        },
}};

const Case kPeerUnbound{{
    .slug = "evtchn.close.interdomain.peer_unbound",
    .rule = "Closing one end frees it and leaves the other open, unbound, reserved for the domain that closed.",
    .source = "public/event_channel.h, EVTCHNOP_close",
    .method = "After the close the peer's sends have no effect, and the closer can bind once more.",
    .requirements = {"EVTCHN-CLOSE-003", "EVTCHN-SEND-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          const SharedInfo info(c.vcpu());
          const ChannelPair pair = quiet_channel(c, c.vcpu(), c.peer().vcpu(0));
          c.require_eq(ours.close(pair.local), 0, "closing our end");
          check_closed(c, ours, pair.local, "our end");
          check_unbound(c, theirs, pair.remote, c.guest().id(), "the peer's end");
          c.check_eq(theirs.send(pair.remote), 0, "the peer sends on its open end");
          c.check(!info.pending(pair.local), "our closed port is not pending");
          c.check_eq(ours.bind_interdomain(c.peer().id(), pair.remote).result, 0, "binding again");
        },
}};

const Case kPendingCleared{{
    .slug = "evtchn.close.pending_and_masked.pending_cleared",
    .rule = "Closing a port clears its pending bit and leaves its mask bit alone.",
    .source = "public/event_channel.h, EVTCHNOP_close",
    .requirements = {"EVTCHN-CLOSE-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort masked = ours.bind_ipi(0).port;
          const EvtchnPort unmasked = ours.bind_ipi(0).port;
          info.mask(masked);
          info.unmask(unmasked);
          for (const EvtchnPort port : {masked, unmasked}) {
            c.require_eq(ours.send(port), 0, "send");
            c.require(info.pending(port), "pending before the close");
            c.require_eq(ours.close(port), 0, "close");
            c.check(!info.pending(port), "the pending bit is clear");
          }
          c.check(info.masked(masked), "the masked port stays masked");
          c.check(!info.masked(unmasked), "the other stays unmasked");
        },
}};

const Case kNotifyVcpuReset{{
    .slug = "evtchn.close.moved_port.starts_on_vcpu0_again",
    .rule = "A port that had been moved to another vCPU is on vCPU 0 again when its number is used anew.",
    .source = "public/event_channel.h, EVTCHNOP_close",
    .requirements = {"EVTCHN-CLOSE-005", "EVTCHN-CLOSE-006"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomSelf);
          c.require_eq(ours.bind_vcpu(port, 1), 0, "moving the port to vCPU 1");
          c.require_eq(ours.status(port).arg.vcpu, 1, "vCPU after the move");
          c.require_eq(ours.close(port), 0, "close");
          c.check_eq(ours.status(port).arg.vcpu, 0, "vCPU of the closed port");
          c.require_eq(offer_port(c, c.vcpu(), kDomSelf), port, "the number is used anew");
          c.check_eq(ours.status(port).arg.vcpu, 0, "vCPU of the new port");
        },
}};

const Case kDestroyed{{
    .slug = "evtchn.close.domain_destroyed.peer_unbound",
    .rule = "A domain that is destroyed closes all its ports: its peers' ends become unbound.",
    .source = "public/event_channel.h, EVTCHNOP_close",
    .requirements = {"EVTCHN-CLOSE-007"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const DomId peer = c.peer().id();
          const ChannelPair bound_by_us = quiet_channel(c, c.vcpu(), c.peer().vcpu(0));
          const ChannelPair bound_by_them = quiet_channel(c, c.peer().vcpu(0), c.vcpu());
          c.target().destroy_guest(c.peer());
          for (const EvtchnPort port : {bound_by_us.local, bound_by_them.remote}) {
            const auto unbound = [&] { return ours.status(port).arg.status == EVTCHNSTAT_unbound; };
            c.check(wait_until(c, unbound), "our end becomes unbound");
            check_unbound(c, ours, port, peer, "our end");
            c.check_eq(ours.send(port), 0, "send to nobody");
            c.check_eq(ours.close(port), 0, "closing our end");
          }
        },
}};

}  // namespace
}  // namespace assay
