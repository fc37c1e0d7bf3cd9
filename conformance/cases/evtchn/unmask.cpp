#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

const Case kRaises{{
    .slug = "evtchn.unmask.pending.raises",
    .rule = "Unmasking a pending port clears the mask bit and announces the event to the port's vCPU.",
    .source = "public/event_channel.h, EVTCHNOP_unmask",
    .requirements = {"EVTCHN-UNMASK-001", "EVTCHN-2L-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          for (const uint32_t vcpu : {0u, 1u}) {
            const EvtchnPort port = ours.bind_ipi(vcpu).port;
            info.mask(port);
            c.require_eq(ours.send(port), 0, "send to the masked port");
            c.require_eq(info.upcall_pending(vcpu), 0, "upcall pending while masked");
            c.check_eq(ours.unmask(port), 0, "unmask");
            c.check(!info.masked(port), "the mask bit is clear");
            c.check(info.pending(port), "the port is still pending");
            c.check(info.selected(port, vcpu), "selector bit");
            c.check_eq(info.upcall_pending(vcpu), 1, "upcall pending");
            c.check_eq(info.upcall_pending(1 - vcpu), 0, "upcall pending of the other vCPU");
            info.acknowledge(port, vcpu);
          }
        },
}};

const Case kQuiet{{
    .slug = "evtchn.unmask.not_pending.quiet",
    .rule = "Unmasking a port that is not pending clears the mask bit and announces nothing.",
    .source = "public/event_channel.h, EVTCHNOP_unmask",
    .requirements = {"EVTCHN-UNMASK-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          const EvtchnPort neighbour = ours.bind_ipi(0).port;
          info.mask(port);
          info.mask(neighbour);
          c.check_eq(ours.unmask(port), 0, "unmask");
          c.check(!info.masked(port), "the mask bit is clear");
          c.check(info.masked(neighbour), "the neighbour stays masked");
          c.check_eq(info.selector(0), 0, "selector");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
        },
}};

const Case kNotOpen{{
    .slug = "evtchn.unmask.not_open.no_effect",
    .rule = "A port that does not exist gives EINVAL; one that is free or reserved gives 0 and keeps its mask bit.",
    .source = "public/event_channel.h, EVTCHNOP_unmask",
    .requirements = {"EVTCHN-UNMASK-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          for (const uint32_t port : {4095u, 4096u, 0x8000'0000u, 0xffff'ffffu}) {
            c.check_eq(ours.unmask(EvtchnPort{port}), -XEN_EINVAL, "port that does not exist");
          }
          for (const EvtchnPort port : {EvtchnPort{0}, kFirstPort}) {
            info.mask(port);
            info.set_pending(port);
            c.check_eq(ours.unmask(port), 0, "port that is not open");
            c.check(info.masked(port), "the mask bit stays");
          }
          c.check_eq(info.selector(0), 0, "selector");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
        },
}};

const Case kAlreadyUnmasked{{
    .slug = "evtchn.unmask.already_unmasked.no_upcall",
    .rule = "Unmasking a port that is not masked announces nothing, though it be pending.",
    .source = "public/event_channel.h, EVTCHNOP_unmask",
    .requirements = {"EVTCHN-UNMASK-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          info.unmask(port);
          info.set_pending(port);
          c.check_eq(ours.unmask(port), 0, "unmask");
          c.check(info.pending(port), "the port is still pending");
          c.check_eq(info.selector(0), 0, "selector");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
        },
}};

}  // namespace
}  // namespace assay
