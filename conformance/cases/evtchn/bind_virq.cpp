#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint32_t kAbsentVcpu = 2;  // the guests have vCPUs 0 and 1
constexpr std::array<uint32_t, 4> kPerVcpuVirqs{VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF, VIRQ_XENPMU};

/// Makes VIRQ_TIMER due at once on `vcpu`.
void raise_timer(CaseContext& c, Vcpu& vcpu) {
  const uint64_t now = vcpu.time_ns();
  c.require_eq(vcpu.hypercall(__HYPERVISOR_set_timer_op, {now + 1}), 0, "set_timer_op");
}

/// From here on only set_timer_op raises VIRQ_TIMER: PV vCPUs start with a periodic timer.
void stop_ticks(CaseContext& c, uint32_t vcpus) {
  VcpuOps ops(c.vcpu());
  for (uint32_t id = 0; id < vcpus; ++id) c.require_eq(ops.stop_periodic_timer(id), 0, "set-up: stopping the ticks");
}

const Case kUnknownVirq{{
    .slug = "evtchn.bind_virq.unknown_virq.einval",
    .rule = "There are 24 virqs; a higher number gives EINVAL and takes no port.",
    .source = "public/xen.h, NR_VIRQS",
    .requirements = {"EVTCHN-VIRQ-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t virq : {uint32_t{NR_VIRQS}, uint32_t{NR_VIRQS} + 1, 0x8000'0000u, 0xffff'ffffu}) {
            c.check_eq(ours.bind_virq(virq, 0).result, -XEN_EINVAL, "virq past the last");
            c.check_eq(ours.bind_virq(virq, kAbsentVcpu).result, -XEN_EINVAL, "the same on a vCPU that does not exist");
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
          c.check_eq(ours.bind_virq(NR_VIRQS - 1, 0).result, 0, "the last virq");
        },
}};

const Case kGlobalElsewhere{{
    .slug = "evtchn.bind_virq.global_not_on_vcpu0.einval",
    .rule = "A virq of the whole domain is bound to vCPU 0 only; EINVAL comes before the vCPU is looked up.",
    .source = "public/event_channel.h, EVTCHNOP_bind_virq",
    .requirements = {"EVTCHN-VIRQ-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t virq : std::initializer_list<uint32_t>{VIRQ_CONSOLE, VIRQ_DOM_EXC, VIRQ_ARCH_0}) {
            c.check_eq(ours.bind_virq(virq, 1).result, -XEN_EINVAL, "on vCPU 1");
            c.check_eq(ours.bind_virq(virq, kAbsentVcpu).result, -XEN_EINVAL, "on a vCPU that does not exist");
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
          c.check_eq(ours.bind_virq(VIRQ_CONSOLE, 0).result, 0, "on vCPU 0");
        },
}};

const Case kAbsentVcpuEnoent{{
    .slug = "evtchn.bind_virq.absent_vcpu.enoent",
    .rule = "A virq of a vCPU that does not exist gives ENOENT and takes no port.",
    .source = "public/event_channel.h, EVTCHNOP_bind_virq",
    .requirements = {"EVTCHN-VIRQ-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t virq : kPerVcpuVirqs) {
            for (const uint32_t vcpu : {kAbsentVcpu, 0xffff'ffffu}) {
              const PortResult got = ours.bind_virq(virq, vcpu);
              c.check_eq(got.result, -XEN_ENOENT, "vCPU that does not exist");
              c.check_eq(got.port, kNoPort, "port field after the error");
            }
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
        },
}};

const Case kBoundTwice{{
    .slug = "evtchn.bind_virq.bound_twice.eexist",
    .rule = "A virq has one port per vCPU: binding it again gives EEXIST and the first binding stays.",
    .source = "public/event_channel.h, EVTCHNOP_bind_virq",
    .requirements = {"EVTCHN-VIRQ-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t virq : std::initializer_list<uint32_t>{VIRQ_DEBUG, VIRQ_CONSOLE}) {
            const PortResult first = ours.bind_virq(virq, 0);
            c.require_eq(first.result, 0, "binding");
            c.check_eq(ours.bind_virq(virq, 0).result, -XEN_EEXIST, "binding again");
            const auto status = ours.status(first.port);
            c.check_eq(status.arg.status, uint32_t{EVTCHNSTAT_virq}, "kind of the first port");
            c.check_eq(status.arg.u.virq, virq, "its virq");
            check_lowest_free(c, ours, EvtchnPort{first.port.raw() + 1}, "lowest free port");
          }
        },
}};

const Case kOnePerVcpu{{
    .slug = "evtchn.bind_virq.per_vcpu.one_each",
    .rule = "A virq of vCPUs can be bound on each of them, with a port each that notifies that vCPU.",
    .source = "public/event_channel.h, EVTCHNOP_bind_virq",
    .requirements = {"EVTCHN-VIRQ-005", "EVTCHN-VIRQ-006"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t virq : kPerVcpuVirqs) {
            const PortResult on_0 = ours.bind_virq(virq, 0);
            const PortResult on_1 = ours.bind_virq(virq, 1);
            c.require_eq(on_0.result, 0, "on vCPU 0");
            c.require_eq(on_1.result, 0, "on vCPU 1");
            c.check_ne(on_0.port, on_1.port, "the second port");
            c.check_eq(ours.status(on_0.port).arg.vcpu, 0, "vCPU that the first port notifies");
            c.check_eq(ours.status(on_1.port).arg.vcpu, 1, "vCPU that the second port notifies");
          }
        },
}};

const Case kNotifiesItsVcpu{{
    .slug = "evtchn.bind_virq.timer.notifies_its_vcpu",
    .rule = "A timer that expires on a vCPU raises the port bound on that vCPU, and notifies no other.",
    .source = "public/event_channel.h, EVTCHNOP_bind_virq",
    .method = "VIRQ_TIMER is bound on both vCPUs; vCPU 1 sets its timer.",
    .requirements = {"EVTCHN-VIRQ-006"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          stop_ticks(c, 2);
          EventChannels ours(c.vcpu());
          const EvtchnPort on_0 = ours.bind_virq(VIRQ_TIMER, 0).port;
          const EvtchnPort on_1 = ours.bind_virq(VIRQ_TIMER, 1).port;
          const SharedInfo info(c.vcpu());
          raise_timer(c, c.vcpu(1));
          c.require(wait_until(c, [&] { return info.pending(on_1); }), "the port of vCPU 1 becomes pending");
          c.check(info.selected(on_1, 1), "selector bit of vCPU 1");
          c.check_eq(info.upcall_pending(1), 1, "upcall pending of vCPU 1");
          c.check(!info.pending(on_0), "the port of vCPU 0 is not pending");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending of vCPU 0");
        },
}};

const Case kUndefinedGlobal{{
    .slug = "evtchn.bind_virq.undefined_virq.never_raised",
    .rule = "Numbers below 24 that no virq has can be bound; nothing raises them.",
    .source = "public/xen.h, VIRQ_*",
    .requirements = {"EVTCHN-VIRQ-007"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const SharedInfo info(c.vcpu());
          std::vector<EvtchnPort> ports;
          for (const uint32_t virq : {5u, 14u, 15u}) {
            const PortResult got = ours.bind_virq(virq, 0);
            c.require_eq(got.result, 0, "binding");
            c.check_eq(ours.status(got.port).arg.u.virq, virq, "virq in the status");
            ports.push_back(got.port);
          }
          c.vcpu().spin(kWatchNs);
          for (const EvtchnPort port : ports) c.check(!info.pending(port), "the port is not pending");
        },
}};

const Case kUnboundDropped{{
    .slug = "evtchn.bind_virq.raised_while_unbound.dropped",
    .rule = "A virq that is raised while no port is bound to it is lost: a later binding does not see it.",
    .source = "public/event_channel.h, EVTCHNOP_bind_virq",
    .method = "The timer expires, then VIRQ_TIMER is bound; a second expiry shows that the binding works.",
    .requirements = {"EVTCHN-VIRQ-008", "TIMER-006"},
    .body =
        [](CaseContext& c) {
          stop_ticks(c, 1);
          EventChannels ours(c.vcpu());
          const SharedInfo info(c.vcpu());
          raise_timer(c, c.vcpu());
          c.vcpu().spin(kWatchNs);
          c.check_eq(info.upcall_pending(0), 0, "upcall pending with no port bound");
          const PortResult bound = ours.bind_virq(VIRQ_TIMER, 0);
          c.require_eq(bound.result, 0, "binding");
          c.check(!info.pending(bound.port), "the new port is not pending");
          raise_timer(c, c.vcpu());
          c.check(wait_until(c, [&] { return info.pending(bound.port); }), "the next expiry makes it pending");
        },
}};

const Case kBindAgain{{
    .slug = "evtchn.bind_virq.closed.bindable_again",
    .rule = "Closing the port releases the virq: it can be bound again.",
    .source = "public/event_channel.h, EVTCHNOP_close",
    .requirements = {"EVTCHN-VIRQ-009"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const uint32_t virq : std::initializer_list<uint32_t>{VIRQ_TIMER, VIRQ_DOM_EXC}) {
            const PortResult first = ours.bind_virq(virq, 0);
            c.require_eq(first.result, 0, "binding");
            c.require_eq(ours.close(first.port), 0, "closing");
            const PortResult second = ours.bind_virq(virq, 0);
            c.check_eq(second.result, 0, "binding again");
            c.check_eq(ours.status(second.port).arg.u.virq, virq, "virq in the status");
          }
        },
}};

const Case kErrorOrder{{
    .slug = "evtchn.bind_virq.full.enoent_and_eexist_before_enospc",
    .rule = "Errors in order: EINVAL for the virq, ENOENT for the vCPU, EEXIST, and only then ENOSPC.",
    .source = "xen/common/event_channel.c, evtchn_bind_virq",
    .requirements = {"EVTCHN-VIRQ-001", "EVTCHN-VIRQ-003", "EVTCHN-VIRQ-004", "EVTCHN-ALLOC-007"},
    .max_evtchn_port = 3,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          c.require_eq(ours.bind_virq(VIRQ_DEBUG, 0).result, 0, "set-up: a bound virq");
          c.require_eq(exhaust_ports(c.vcpu()).refusal, -XEN_ENOSPC, "set-up: no port is left");
          c.check_eq(ours.bind_virq(NR_VIRQS, 0).result, -XEN_EINVAL, "unknown virq");
          c.check_eq(ours.bind_virq(VIRQ_CONSOLE, 1).result, -XEN_EINVAL, "global virq on vCPU 1");
          c.check_eq(ours.bind_virq(VIRQ_DEBUG, kAbsentVcpu).result, -XEN_ENOENT, "absent vCPU");
          c.check_eq(ours.bind_virq(VIRQ_DEBUG, 0).result, -XEN_EEXIST, "bound virq");
          c.check_eq(ours.bind_virq(VIRQ_DEBUG, 1).result, -XEN_ENOSPC, "nothing wrong but the want of a port");
        },
}};

const Case kMovedRebound{{
    .slug = "evtchn.bind_virq.moved_and_closed.bound_again",
    .rule = "A domain-wide virq whose port was moved to another vCPU and closed can be bound again, on vCPU 0.",
    .source = "public/event_channel.h, EVTCHNOP_bind_virq and EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-VIRQ-009", "EVTCHN-BVCPU-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const PortResult first = ours.bind_virq(VIRQ_CONSOLE, 0);
          c.require_eq(first.result, 0, "binding the virq");
          c.require_eq(ours.bind_vcpu(first.port, 1), 0, "moving its port");
          c.check_eq(ours.bind_virq(VIRQ_CONSOLE, 0).result, -XEN_EEXIST, "it is bound, wherever it notifies");
          c.check_eq(ours.close(first.port), 0, "closing the port");
          const PortResult again = ours.bind_virq(VIRQ_CONSOLE, 0);
          c.check_eq(again.result, 0, "binding it again");
          c.check_eq(ours.status(again.port).arg.vcpu, 0, "its vCPU");
        },
}};

}  // namespace
}  // namespace assay
