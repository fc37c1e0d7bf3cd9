#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"

namespace assay {
namespace {

constexpr uint32_t kPirq = 9;

const Case kBeyondCount{{
    .slug = "evtchn.bind_pirq.beyond_count.einval",
    .rule = "A pirq number past the domain's count gives EINVAL and takes no port.",
    .source = "public/event_channel.h, EVTCHNOP_bind_pirq",
    .requirements = {"EVTCHN-PIRQ-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t pirq : {0x10'0000u, 0x7fff'ffffu, 0x8000'0000u, 0xffff'ffffu}) {
            const PortResult got = ours.bind_pirq(pirq);
            c.check_eq(got.result, -XEN_EINVAL, "pirq past the count");
            c.check_eq(got.port, kNoPort, "port field after the error");
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
        },
}};

const Case kNoAccess{{
    .slug = "evtchn.bind_pirq.pv_without_access.eperm",
    .rule = "A PV guest that was not given the pirq gets EPERM, and no port is taken.",
    .source = "public/event_channel.h, EVTCHNOP_bind_pirq",
    .requirements = {"EVTCHN-PIRQ-002"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t pirq : {1u, kPirq, 15u}) {
            c.check_eq(ours.bind_pirq(pirq).result, -XEN_EPERM, "pirq of somebody else");
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
        },
}};

const Case kHvmNoCheck{{
    .slug = "evtchn.bind_pirq.pvh.number_without_line",
    .rule = "For an HVM guest a pirq is a number without a line: any below its count can be bound, once.",
    .source = "public/event_channel.h, EVTCHNOP_bind_pirq",
    .requirements = {"EVTCHN-PIRQ-002", "EVTCHN-PIRQ-003", "EVTCHN-SEND-003", "EVTCHN-STATUS-003"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const PortResult bound = ours.bind_pirq(kPirq);
          c.require_eq(bound.result, 0, "binding");
          const auto status = ours.status(bound.port);
          c.check_eq(status.arg.status, uint32_t{EVTCHNSTAT_pirq}, "kind of port");
          c.check_eq(status.arg.u.pirq, kPirq, "pirq in the status");
          c.check_eq(ours.bind_pirq(kPirq).result, -XEN_EEXIST, "binding again");
          c.check_eq(ours.send(bound.port), -XEN_EINVAL, "sending on it");
          c.check_eq(ours.close(bound.port), 0, "closing");
          c.check_eq(ours.bind_pirq(kPirq).result, 0, "binding after the close");
        },
}};

}  // namespace
}  // namespace assay
