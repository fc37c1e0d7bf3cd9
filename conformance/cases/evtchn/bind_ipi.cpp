#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

constexpr uint32_t kAbsentVcpu = 2;  // the guests have vCPUs 0 and 1

const Case kAbsentVcpuEnoent{{
    .slug = "evtchn.bind_ipi.absent_vcpu.enoent",
    .rule = "A vCPU that does not exist gives ENOENT and takes no port, also when none is left.",
    .source = "public/event_channel.h, EVTCHNOP_bind_ipi",
    .requirements = {"EVTCHN-IPI-001"},
    .max_evtchn_port = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t vcpu : {kAbsentVcpu, 0x8000'0000u, 0xffff'ffffu}) {
            const PortResult got = ours.bind_ipi(vcpu);
            c.check_eq(got.result, -XEN_ENOENT, "absent vCPU");
            c.check_eq(got.port, kNoPort, "port field after the error");
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
          c.require_eq(exhaust_ports(c.vcpu()).refusal, -XEN_ENOSPC, "no port is left");
          c.check_eq(ours.bind_ipi(kAbsentVcpu).result, -XEN_ENOENT, "absent vCPU with no port left");
          c.check_eq(ours.bind_ipi(1).result, -XEN_ENOSPC, "vCPU 1 with no port left");
        },
}};

const Case kNotifiesItsVcpu{{
    .slug = "evtchn.bind_ipi.send.notifies_its_vcpu",
    .rule = "Sending on an IPI port makes that same port pending for the vCPU it was bound to, and for no other.",
    .source = "public/event_channel.h, EVTCHNOP_bind_ipi",
    .requirements = {"EVTCHN-IPI-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const SharedInfo info(c.vcpu());
          const PortResult bound = ours.bind_ipi(1);
          c.require_eq(bound.result, 0, "binding to vCPU 1");
          const auto status = ours.status(bound.port);
          c.check_eq(status.arg.status, uint32_t{EVTCHNSTAT_ipi}, "kind of port");
          c.check_eq(status.arg.vcpu, 1, "vCPU in the status");
          c.check(!info.pending(bound.port), "binding alone makes nothing pending");
          c.check_eq(ours.send(bound.port), 0, "send");
          c.check(info.pending(bound.port), "the port is pending");
          c.check(info.selected(bound.port, 1), "selector bit of vCPU 1");
          c.check_eq(info.upcall_pending(1), 1, "upcall pending of vCPU 1");
          c.check_eq(info.selector(0), 0, "selector of vCPU 0");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending of vCPU 0");
        },
}};

const Case kCannotMove{{
    .slug = "evtchn.bind_ipi.bind_vcpu.einval",
    .rule = "An IPI port stays with its vCPU: bind_vcpu gives EINVAL, even for the vCPU it has.",
    .source = "public/event_channel.h, EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-IPI-003", "EVTCHN-BVCPU-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const PortResult bound = ours.bind_ipi(0);
          c.require_eq(bound.result, 0, "binding");
          c.check_eq(ours.bind_vcpu(bound.port, 1), -XEN_EINVAL, "moving it to vCPU 1");
          c.check_eq(ours.bind_vcpu(bound.port, 0), -XEN_EINVAL, "moving it to where it is");
          c.check_eq(ours.status(bound.port).arg.vcpu, 0, "vCPU afterwards");
        },
}};

const Case kSeveral{{
    .slug = "evtchn.bind_ipi.same_vcpu.several",
    .rule = "Several IPI ports may be bound to one vCPU; each event is its own.",
    .source = "public/event_channel.h, EVTCHNOP_bind_ipi",
    .requirements = {"EVTCHN-IPI-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const SharedInfo info(c.vcpu());
          const PortResult first = ours.bind_ipi(0);
          const PortResult second = ours.bind_ipi(0);
          c.require_eq(first.result, 0, "first");
          c.require_eq(second.result, 0, "second");
          c.require_ne(first.port, second.port, "port of the second");
          c.check_eq(ours.send(second.port), 0, "send on the second");
          c.check(!info.pending(first.port), "the first is not pending");
          c.check(info.pending(second.port), "the second is");
        },
}};

}  // namespace
}  // namespace assay
