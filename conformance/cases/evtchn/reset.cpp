#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

/// The continuation of a reset. The header shows the number to the hypervisor alone; guests can call it all the same.
constexpr uint64_t kResetCont = 14;

const Case kClosesAll{{
    .slug = "evtchn.reset.own.closes_all",
    .rule = "A reset closes every port of the caller: peers' ends become unbound, virqs can be bound again.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-001"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          const SharedInfo info(c.vcpu());
          const ChannelPair pair = connect_channel(c, c.vcpu(), c.peer().vcpu(0));
          c.require(info.pending(pair.local), "set-up: a pending port");
          const EvtchnPort virq = ours.bind_virq(VIRQ_DEBUG, 1).port;
          const EvtchnPort ipi = ours.bind_ipi(0).port;
          const EvtchnPort unbound = offer_port(c, c.vcpu(), kDomAbsent);
          c.check_eq(ours.reset(), 0, "reset");
          for (const EvtchnPort port : {pair.local, virq, ipi, unbound}) check_closed(c, ours, port, "own port");
          c.check(!info.pending(pair.local), "nothing is pending any more");
          check_unbound(c, theirs, pair.remote, c.guest().id(), "the peer's end");
          check_lowest_free(c, ours, kFirstPort, "lowest free port");
          c.check_eq(ours.bind_virq(VIRQ_DEBUG, 1).result, 0, "binding the virq again");
        },
}};

const Case kManyPorts{{
    .slug = "evtchn.reset.all_ports.closed",
    .rule = "A reset gets through all 4095 ports, however often it has to be continued.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          c.require_eq(exhaust_ports(c.vcpu()).refusal, -XEN_ENOSPC, "set-up: all ports in use");
          c.check_eq(ours.reset(), 0, "reset");
          for (const uint32_t port : {1u, 64u, 2048u, 4095u}) check_closed(c, ours, EvtchnPort{port}, "port");
          c.check_eq(exhaust_ports(c.vcpu()).ports, uint32_t{EVTCHN_2L_NR_CHANNELS} - 1, "ports that can be had again");
        },
}};

const Case kDom0Resets{{
    .slug = "evtchn.reset.foreign_running.einval",
    .rule = "Another domain can be reset only while its controller keeps it paused: otherwise EINVAL.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-004", "EVTCHN-RESET-001"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels dom0(c.dom0().vcpu(0));
          DomctlOps control(c.dom0().vcpu(0));
          const DomId guest = c.guest().id();
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomSelf);
          c.check_eq(dom0.reset(guest), -XEN_EINVAL, "while the guest runs");
          c.check_eq(ours.status(port).arg.status, uint32_t{EVTCHNSTAT_unbound}, "the guest's port");
          c.require_eq(control.pause(guest), 0, "pausing the guest");
          c.check_eq(dom0.reset(guest), 0, "while it is paused");
          c.require_eq(control.unpause(guest), 0, "letting it go");
          check_closed(c, ours, port, "the guest's port");
        },
}};

const Case kContinuation{{
    .slug = "evtchn.reset.cont_without_reset.ebusy",
    .rule = "The continuation of a reset, called with none in progress, gives EBUSY and closes nothing.",
    .source = "xen/common/event_channel.c, evtchn_reset",
    .requirements = {"EVTCHN-RESET-006"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomSelf);
          const GuestStruct<evtchn_reset_t> self(c.vcpu(), evtchn_reset_t{DOMID_SELF});
          c.check_eq(ours.raw(kResetCont, self.va()), -XEN_EBUSY, "the continuation alone");
          check_unbound(c, ours, port, c.guest().id(), "the open port");
          c.check_eq(ours.reset(), 0, "a reset afterwards");
          c.check_eq(ours.raw(kResetCont, self.va()), -XEN_EBUSY, "the continuation after a reset");
        },
}};

const Case kForeign{{
    .slug = "evtchn.reset.foreign_dom.eperm",
    .rule = "A guest may not reset another domain: EPERM, and its ports stay open. No such domain: ESRCH.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-008"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          const EvtchnPort port = offer_port(c, c.peer().vcpu(0), c.guest().id());
          c.check_eq(ours.reset(c.peer().id()), -XEN_EPERM, "the peer");
          c.check_eq(ours.reset(DomId{0}), -XEN_EPERM, "domain 0");
          c.check_eq(ours.reset(kDomAbsent), -XEN_ESRCH, "an absent domain");
          check_unbound(c, theirs, port, c.guest().id(), "the peer's port");
        },
}};

const Case kUnknownCommand{{
    .slug = "evtchn.unknown_command.enosys",
    .rule = "An unknown command gives ENOSYS, whatever its argument.",
    .source = "public/event_channel.h, EVTCHNOP_*",
    .requirements = {"EVTCHN-RESET-009"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const Scratch argument(c.vcpu());
          for (const uint64_t command : {uint64_t{15}, uint64_t{16}, uint64_t{255}, uint64_t{0x7fff'ffff}}) {
            c.check_eq(ours.raw(command, argument.va()), -XEN_ENOSYS, "with a good pointer");
            c.check_eq(ours.raw(command, bad_pointer(c.guest_type())), -XEN_ENOSYS, "with a bad pointer");
          }
        },
}};

}  // namespace
}  // namespace assay
