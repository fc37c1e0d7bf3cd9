#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/vcpu_ops.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

const Case kWokenByEvent{{
    .slug = "sched.block.event.wakes",
    .rule = "block lets upcalls through and sleeps until an event comes for the vCPU; then it returns 0.",
    .source = "public/sched.h, SCHEDOP_block",
    .method = "vCPU 0 blocks with upcalls held; vCPU 1 sends it an IPI.",
    .requirements = {"SCHED-002"},
    .guests = GuestTypes::kPv64,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Vcpu& sleeper = c.vcpu(0);
          EventChannels waker(c.vcpu(1));
          const SharedInfo info(c.vcpu(1));
          const EvtchnPort port = waker.bind_ipi(0).port;
          sleeper.set_upcalls(false);
          const uint64_t before = sleeper.upcalls().count;
          SchedOps sched(sleeper);
          sched.start_block();
          c.check(!sleeper.finish_hypercall(kWatchNs), "it sleeps without an event");
          c.check_eq(info.upcall_mask(0), 0, "upcall mask while it sleeps");
          c.require_eq(waker.send(port), 0, "send");
          c.require_eq(sleeper.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of block");
          c.check_eq(sleeper.upcalls().count, before + 1, "upcalls");
          c.check_eq(info.upcall_mask(0), 0, "upcall mask afterwards");
        },
}};

const Case kPendingFirst{{
    .slug = "sched.block.pending_first.returns_at_once",
    .rule = "block with an upcall pending already does not sleep: no wake-up is lost.",
    .source = "public/sched.h, SCHEDOP_block",
    .requirements = {"SCHED-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          EventChannels ours(us);
          const EvtchnPort port = ours.bind_ipi(0).port;
          us.set_upcalls(false);
          const uint64_t before = us.upcalls().count;
          c.require_eq(ours.send(port), 0, "send");
          SchedOps sched(us);
          sched.start_block();
          c.require_eq(us.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of block");
          c.check_eq(us.upcalls().count, before + 1, "upcalls: block has let them through");
        },
}};

const Case kHaltWakes{{
    .slug = "sched.block.hlt.woken_by_event",
    .rule = "An HVM vCPU that halts with interrupts enabled sleeps until an event comes for it.",
    .source = "public/sched.h, SCHEDOP_block",
    .requirements = {"SCHED-002"},
    .guests = GuestTypes::kPvh,
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Vcpu& sleeper = c.vcpu(0);
          EventChannels waker(c.vcpu(1));
          const EvtchnPort port = waker.bind_ipi(0).port;
          const uint64_t before = sleeper.upcalls().count;
          sleeper.start_halt();
          c.check(!sleeper.finish_hypercall(kWatchNs), "it sleeps without an event");
          c.require_eq(waker.send(port), 0, "send");
          c.require(sleeper.finish_hypercall(kLongNs).has_value(), "it wakes");
          c.check_eq(sleeper.upcalls().count, before + 1, "upcalls");
        },
}};

const Case kHaltPendingFirst{{
    .slug = "sched.block.hlt_pending_first.returns_at_once",
    .rule = "An HVM vCPU that enables interrupts and halts with an upcall pending already does not sleep.",
    .source = "public/sched.h, SCHEDOP_block",
    .requirements = {"SCHED-003"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          EventChannels ours(us);
          const EvtchnPort port = ours.bind_ipi(0).port;
          us.set_upcalls(false);
          const uint64_t before = us.upcalls().count;
          c.require_eq(ours.send(port), 0, "send");
          us.start_halt();
          c.require(us.finish_hypercall(kLongNs).has_value(), "it goes on");
          c.check_eq(us.upcalls().count, before + 1, "upcalls");
        },
}};

const Case kMaskedDoesNotWake{{
    .slug = "sched.block.masked_event.sleeps_on",
    .rule = "An event on a masked port does not wake a blocked vCPU; unmasking the port does.",
    .source = "public/sched.h, SCHEDOP_block",
    .requirements = {"SCHED-002", "EVTCHN-2L-004", "EVTCHN-UNMASK-001"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Vcpu& sleeper = c.vcpu(0);
          EventChannels waker(c.vcpu(1));
          SharedInfo info(c.vcpu(1));
          const EvtchnPort port = waker.bind_ipi(0).port;
          info.mask(port);
          sleeper.start_halt();
          c.require_eq(waker.send(port), 0, "send to the masked port");
          c.check(!sleeper.finish_hypercall(kWatchNs), "it sleeps on");
          c.require_eq(waker.unmask(port), 0, "unmask");
          c.check(sleeper.finish_hypercall(kLongNs).has_value(), "it wakes");
        },
}};

const Case kTimerWakes{{
    .slug = "sched.block.timer.wakes",
    .rule = "A vCPU that blocks with its timer set wakes when it expires, not before.",
    .source = "public/xen.h, __HYPERVISOR_set_timer_op",
    .requirements = {"SCHED-002", "TIMER-004", "TIMER-005"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          c.require_eq(VcpuOps(us).stop_periodic_timer(0), 0, "set-up: stopping the ticks");
          const EvtchnPort port = EventChannels(us).bind_virq(VIRQ_TIMER, 0).port;
          const uint64_t deadline = us.time_ns() + kDelayNs;
          c.require_eq(us.hypercall(__HYPERVISOR_set_timer_op, {deadline}), 0, "set_timer_op");
          us.start_halt();
          c.require(us.finish_hypercall(kLongNs).has_value(), "it wakes");
          check_passed(c, us, deadline, "not before the deadline");
          c.check(SharedInfo(us).pending(port), "the timer's port is pending");
        },
}};

}  // namespace
}  // namespace assay
