#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

constexpr uint32_t kAbsentVcpu = 2;  // the guests have vCPUs 0 and 1

/// A loopback channel of the guest with nothing pending.
ChannelPair quiet_loopback(CaseContext& c) {
  return quiet_channel(c, c.vcpu(), c.vcpu());
}

const Case kAbsentVcpuFirst{{
    .slug = "evtchn.bind_vcpu.absent_vcpu.enoent_before_einval",
    .rule = "A vCPU that does not exist gives ENOENT, before the port is looked at; the port stays where it is.",
    .source = "public/event_channel.h, EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-BVCPU-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort port = offer_port(c, c.vcpu(), kDomSelf);
          for (const uint32_t vcpu : {kAbsentVcpu, 0x8000'0000u, 0xffff'ffffu}) {
            c.check_eq(ours.bind_vcpu(port, vcpu), -XEN_ENOENT, "open port");
            c.check_eq(ours.bind_vcpu(EvtchnPort{0xffff'ffff}, vcpu), -XEN_ENOENT, "port that does not exist");
          }
          c.check_eq(ours.status(port).arg.vcpu, 0, "vCPU of the port afterwards");
        },
}};

const Case kInvalidPort{{
    .slug = "evtchn.bind_vcpu.not_open.einval",
    .rule = "A port that is free, reserved or does not exist gives EINVAL and is not moved.",
    .source = "public/event_channel.h, EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-BVCPU-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t port : {0u, 1u, 4095u, 4096u, 0x8000'0000u, 0xffff'ffffu}) {
            c.check_eq(ours.bind_vcpu(EvtchnPort{port}, 1), -XEN_EINVAL, "port that is not open");
          }
          c.require_eq(offer_port(c, c.vcpu(), kDomSelf), kFirstPort, "port 1 is handed out");
          c.check_eq(ours.status(kFirstPort).arg.vcpu, 0, "its vCPU");
        },
}};

const Case kMoves{{
    .slug = "evtchn.bind_vcpu.interdomain.later_events_move",
    .rule = "After a move events notify the new vCPU and no longer the old one.",
    .source = "public/event_channel.h, EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-BVCPU-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const ChannelPair pair = quiet_loopback(c);
          c.check_eq(ours.bind_vcpu(pair.remote, 1), 0, "moving to vCPU 1");
          c.check_eq(ours.status(pair.remote).arg.vcpu, 1, "vCPU in the status");
          c.check_eq(ours.status(pair.local).arg.vcpu, 0, "vCPU of the other end");
          c.require_eq(ours.send(pair.local), 0, "send");
          c.check(info.selected(pair.remote, 1), "selector bit of vCPU 1");
          c.check_eq(info.upcall_pending(1), 1, "upcall pending of vCPU 1");
          c.check_eq(info.selector(0), 0, "selector of vCPU 0");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending of vCPU 0");
          info.acknowledge(pair.remote, 1);
          c.check_eq(ours.bind_vcpu(pair.remote, 0), 0, "moving back");
          c.require_eq(ours.send(pair.local), 0, "send");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending of vCPU 0 after the move back");
          c.check_eq(info.upcall_pending(1), 0, "upcall pending of vCPU 1 after the move back");
        },
}};

const Case kMovable{{
    .slug = "evtchn.bind_vcpu.unbound_and_global_virq.movable",
    .rule = "Unbound ports and those of domain-wide virqs can be moved; an unbound port keeps its vCPU when bound.",
    .source = "public/event_channel.h, EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-BVCPU-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort global = ours.bind_virq(VIRQ_CONSOLE, 0).port;
          c.check_eq(ours.bind_vcpu(global, 1), 0, "moving a domain-wide virq");
          c.check_eq(ours.status(global).arg.vcpu, 1, "its vCPU");
          const EvtchnPort offered = offer_port(c, c.vcpu(), kDomSelf);
          c.check_eq(ours.bind_vcpu(offered, 1), 0, "moving an unbound port");
          const PortResult bound = ours.bind_interdomain(kDomSelf, offered);
          c.require_eq(bound.result, 0, "binding it");
          c.check_eq(ours.status(offered).arg.vcpu, 1, "its vCPU after it was bound");
          c.check_eq(ours.status(bound.port).arg.vcpu, 0, "vCPU of the new end");
        },
}};

const Case kPerVcpuVirq{{
    .slug = "evtchn.bind_vcpu.per_vcpu_virq.einval",
    .rule = "The port of a virq that belongs to a vCPU cannot be moved: EINVAL, even to where it is.",
    .source = "public/event_channel.h, EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-BVCPU-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t virq :
               std::initializer_list<uint32_t>{VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF, VIRQ_XENPMU}) {
            const EvtchnPort port = ours.bind_virq(virq, 0).port;
            c.check_eq(ours.bind_vcpu(port, 1), -XEN_EINVAL, "moving it to vCPU 1");
            c.check_eq(ours.bind_vcpu(port, 0), -XEN_EINVAL, "moving it to where it is");
            c.check_eq(ours.status(port).arg.vcpu, 0, "vCPU afterwards");
          }
        },
}};

const Case kPendingStays{{
    .slug = "evtchn.bind_vcpu.pending_event.stays_behind",
    .rule = "A move takes no event along: what was pending stays announced to the old vCPU only.",
    .source = "public/event_channel.h, EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-BVCPU-005"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const SharedInfo info(c.vcpu());
          const ChannelPair pair = quiet_loopback(c);
          c.require_eq(ours.send(pair.local), 0, "send");
          c.require_eq(info.upcall_pending(0), 1, "upcall pending of vCPU 0");
          c.check_eq(ours.bind_vcpu(pair.remote, 1), 0, "moving to vCPU 1");
          c.check(info.pending(pair.remote), "the port is still pending");
          c.check(info.selected(pair.remote, 0), "selector bit of vCPU 0");
          c.check_eq(info.selector(1), 0, "selector of vCPU 1");
          c.check_eq(info.upcall_pending(1), 0, "upcall pending of vCPU 1");
        },
}};

}  // namespace
}  // namespace assay
