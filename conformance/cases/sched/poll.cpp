#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint32_t kPortsMax = 128;
constexpr uint64_t kNoTimeout = 0;

/// What a case that expects no sleep gives poll: it ends a wrong sleep, and no right answer takes as long.
uint64_t far_deadline(Vcpu& vcpu) {
  return vcpu.time_ns() + kLongNs;
}

/// As many ports as `count`, all of them `port`.
Gva port_list(Scratch& memory, EvtchnPort port, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) memory.put(port.raw(), i * sizeof(evtchn_port_t));
  return memory.va();
}

const Case kTooMany{{
    .slug = "sched.poll.too_many_ports.einval",
    .rule = "At most 128 ports can be polled: one more gives EINVAL, before the list is read.",
    .source = "public/sched.h, SCHEDOP_poll",
    .method = "All entries name one pending port, so that 128 of them are answered at once.",
    .requirements = {"SCHED-009"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          SchedOps sched(us);
          const EvtchnPort port = EventChannels(us).bind_ipi(0).port;
          c.require_eq(EventChannels(us).send(port), 0, "set-up: a pending port");
          Scratch list(us);
          port_list(list, port, kPortsMax + 1);
          const uint64_t deadline = far_deadline(us);
          c.check_eq(sched.poll_raw(list.va(), kPortsMax, deadline), 0, "128 ports");
          c.check_eq(sched.poll_raw(list.va(), kPortsMax + 1, deadline), -XEN_EINVAL, "129 ports");
          c.check_eq(sched.poll_raw(list.va(), 0xffff'ffff, deadline), -XEN_EINVAL, "as many as can be written");
          const Gva bad = bad_pointer(c.guest_type());
          c.check_eq(sched.poll_raw(bad, kPortsMax + 1, deadline), -XEN_EINVAL, "129 ports and a bad list");
        },
}};

const Case kBadList{{
    .slug = "sched.poll.bad_list.efault",
    .rule = "A list of ports, or an argument, that cannot be read gives EFAULT; the vCPU does not sleep.",
    .source = "public/sched.h, SCHEDOP_poll",
    .requirements = {"SCHED-009", "HCALL-020"},
    .body =
        [](CaseContext& c) {
          SchedOps sched(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(sched.poll_raw(bad.va, 1, far_deadline(c.vcpu())), -XEN_EFAULT, bad.what);
            c.check_eq(sched.raw(SCHEDOP_poll, bad.va), -XEN_EFAULT, bad.what);
          }
        },
}};

const Case kPendingListed{{
    .slug = "sched.poll.pending_port.returns_at_once",
    .rule = "A listed port that is pending, masked or not, ends the poll at once with 0; it stays pending.",
    .source = "public/sched.h, SCHEDOP_poll",
    .requirements = {"SCHED-010"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          SchedOps sched(us);
          EventChannels ours(us);
          SharedInfo info(us);
          const EvtchnPort quiet = ours.bind_ipi(0).port;
          const EvtchnPort pending = ours.bind_ipi(0).port;
          for (const bool masked : {true, false}) {
            if (masked) info.mask(pending);
            if (!masked) info.unmask(pending);
            info.set_pending(pending);
            const uint64_t deadline = far_deadline(us);
            c.check_eq(sched.poll({pending}, deadline), 0, "alone");
            c.check_eq(sched.poll({quiet, pending}, deadline), 0, "after a port that is not pending");
            c.check(us.time_ns() < deadline, "neither slept until the deadline");
            c.check(info.pending(pending), "the port is still pending");
          }
        },
}};

const Case kNotOpen{{
    .slug = "sched.poll.not_open.einval",
    .rule = "A listed port that is free, reserved or does not exist gives EINVAL, unless a pending one comes first.",
    .source = "public/sched.h, SCHEDOP_poll",
    .requirements = {"SCHED-011", "SCHED-010"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          SchedOps sched(us);
          EventChannels ours(us);
          const EvtchnPort quiet = ours.bind_ipi(0).port;
          const EvtchnPort pending = ours.bind_ipi(0).port;
          SharedInfo(us).mask(pending);
          SharedInfo(us).set_pending(pending);
          for (const uint32_t number : {0u, 5u, 4095u, 4096u, 0xffff'ffffu}) {
            const EvtchnPort bad{number};
            const uint64_t deadline = far_deadline(us);
            c.check_eq(sched.poll({bad}, deadline), -XEN_EINVAL, "alone");
            c.check_eq(sched.poll({quiet, bad}, deadline), -XEN_EINVAL, "after a port that is not pending");
            c.check_eq(sched.poll({bad, pending}, deadline), -XEN_EINVAL, "before a port that is pending");
            c.check_eq(sched.poll({pending, bad}, deadline), 0, "after a port that is pending");
          }
        },
}};

const Case kUpcallFirst{{
    .slug = "sched.poll.deliverable_upcall.list_not_looked_at",
    .rule = "An upcall that can be delivered ends the poll with 0 before the list is looked at.",
    .source = "xen/common/sched/core.c, do_poll",
    .method = "The list names port 0, which gives EINVAL otherwise. The hypervisor may be entered between the guest's "
              "store and its call, and deliver the upcall then: hence several attempts.",
    .requirements = {"SCHED-012"},
    .body =
        [](CaseContext& c) {
          constexpr int kAttempts = 50;
          Vcpu& us = c.vcpu();
          SchedOps sched(us);
          SharedInfo info(us);
          us.set_upcalls(false);
          c.check_eq(sched.poll({EvtchnPort{0}}, far_deadline(us)), -XEN_EINVAL, "with nothing pending");
          info.set_upcall_pending(0, 1);
          c.check_eq(sched.poll({EvtchnPort{0}}, far_deadline(us)), -XEN_EINVAL, "with the upcall held back");
          info.set_upcall_pending(0, 0);
          us.set_upcalls(true);
          int64_t result = -XEN_EINVAL;
          for (int i = 0; i < kAttempts && result != 0; ++i) {
            const uint64_t deadline = far_deadline(us);  // reading the clock may enter the hypervisor
            info.set_upcall_pending(0, 1);
            result = sched.poll({EvtchnPort{0}}, deadline);
          }
          c.check_eq(result, 0, "with the upcall let through");
        },
}};

const Case kListedWakes{{
    .slug = "sched.poll.listed_port.wakes",
    .rule = "poll sleeps until a listed port becomes pending, masked or not; no time-out is needed.",
    .source = "public/sched.h, SCHEDOP_poll",
    .method = "vCPU 0 polls with upcalls held back; vCPU 1 sends. Once for one port, once for two.",
    .requirements = {"SCHED-013", "SCHED-014", "EVTCHN-2L-007"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Vcpu& sleeper = c.vcpu(0);
          EventChannels waker(c.vcpu(1));
          SharedInfo info(c.vcpu(1));
          SchedOps sched(sleeper);
          const EvtchnPort other = waker.bind_ipi(0).port;
          const EvtchnPort port = waker.bind_ipi(0).port;
          info.mask(port);
          sleeper.set_upcalls(false);
          const uint8_t mask = info.upcall_mask(0);
          for (const bool two : {false, true}) {
            if (two) sched.start_poll({other, port}, kNoTimeout);
            if (!two) sched.start_poll({port}, kNoTimeout);
            c.check(!sleeper.finish_hypercall(kWatchNs), "it sleeps without an event");
            c.require_eq(waker.send(port), 0, "send");
            c.require_eq(sleeper.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of poll");
            c.check(info.pending(port), "the port is pending");
            c.check_eq(info.upcall_mask(0), mask, "upcall mask");
            c.check_eq(info.upcall_pending(0), 0, "upcall pending: the port is masked");
            info.clear_pending(port);
          }
        },
}};

const Case kUnlistedSleeps{{
    .slug = "sched.poll.unlisted_masked_port.sleeps_on",
    .rule = "An event on a masked port that is not the one polled does not end the poll.",
    .source = "public/sched.h, SCHEDOP_poll",
    .requirements = {"SCHED-013", "SCHED-015"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Vcpu& sleeper = c.vcpu(0);
          EventChannels waker(c.vcpu(1));
          SharedInfo info(c.vcpu(1));
          SchedOps sched(sleeper);
          const EvtchnPort other = waker.bind_ipi(0).port;
          const EvtchnPort port = waker.bind_ipi(0).port;
          info.mask(other);
          sched.start_poll({port}, kNoTimeout);
          c.require_eq(waker.send(other), 0, "send on the other port");
          c.check(!sleeper.finish_hypercall(kWatchNs), "it sleeps on");
          c.require_eq(waker.send(port), 0, "send on the polled port");
          c.check_eq(sleeper.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of poll");
        },
}};

const Case kUpcallEnds{{
    .slug = "sched.poll.upcall_raised.ends_once_per_transition",
    .rule = "An upcall that becomes pending ends a poll, though upcalls are held back; while one is pending already, "
            "further events on other ports do not.",
    .source = "public/xen.h, struct vcpu_info, evtchn_upcall_pending",
    .method = "Of three unmasked ports in three words of the array, the polled one is raised last.",
    .requirements = {"EVTCHN-UP-010", "SCHED-013"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          Vcpu& sleeper = c.vcpu(0);
          EventChannels waker(c.vcpu(1));
          SchedOps sched(sleeper);
          const EvtchnPort first = waker.bind_ipi(0).port;
          c.require_eq(allocate_ports(c.vcpu(1), 64).ports, 64, "set-up: filling the first word");
          const EvtchnPort second = waker.bind_ipi(0).port;
          c.require_eq(allocate_ports(c.vcpu(1), 64).ports, 64, "set-up: filling the second word");
          const EvtchnPort polled = waker.bind_ipi(0).port;
          sleeper.set_upcalls(false);
          sched.start_poll({polled}, kNoTimeout);
          c.check(!sleeper.finish_hypercall(kWatchNs), "it sleeps without an event");
          c.require_eq(waker.send(first), 0, "the event that makes the upcall pending");
          c.require_eq(sleeper.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of the first poll");
          sched.start_poll({polled}, kNoTimeout);
          c.check(!sleeper.finish_hypercall(kWatchNs), "it sleeps with an upcall pending and held back");
          c.require_eq(waker.send(second), 0, "an event while the upcall is pending");
          c.check(!sleeper.finish_hypercall(kWatchNs), "it sleeps on");
          c.require_eq(waker.send(polled), 0, "an event on the polled port");
          c.check_eq(sleeper.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of the second poll");
        },
}};

const Case kTimeout{{
    .slug = "sched.poll.timeout.ends_not_early",
    .rule = "poll ends with 0 when the absolute time-out has passed, not before; the port is not pending.",
    .source = "public/sched.h, SCHEDOP_poll",
    .requirements = {"SCHED-013"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          SchedOps sched(us);
          const EvtchnPort port = EventChannels(us).bind_ipi(0).port;
          const uint64_t deadline = us.time_ns() + kDelayNs;
          sched.start_poll({port}, deadline);
          c.require_eq(us.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of poll");
          check_passed(c, us, deadline, "not before the deadline");
          c.check(!SharedInfo(us).pending(port), "the port is not pending");
          sched.start_poll({port}, deadline);
          c.check_eq(us.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "a time-out in the past");
        },
}};

const Case kNoPorts{{
    .slug = "sched.poll.no_ports.timeout_only",
    .rule = "An empty list is allowed: the poll is a sleep until the time-out, and the list pointer is not followed.",
    .source = "public/sched.h, SCHEDOP_poll",
    .requirements = {"SCHED-013"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          SchedOps sched(us);
          const uint64_t deadline = us.time_ns() + kDelayNs;
          sched.start_poll({}, deadline);
          c.require_eq(us.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of poll");
          check_passed(c, us, deadline, "not before the deadline");
        },
}};

const Case kRemoteWakes{{
    .slug = "sched.poll.event_from_peer.wakes",
    .rule = "An event that another domain sends ends the poll of the port it arrives at.",
    .source = "public/sched.h, SCHEDOP_poll",
    .requirements = {"SCHED-013", "EVTCHN-SEND-001"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          Vcpu& them = c.peer().vcpu(0);
          const ChannelPair pair = quiet_channel(c, us, them);
          SchedOps sched(us);
          sched.start_poll({pair.local}, kNoTimeout);
          c.check(!us.finish_hypercall(kWatchNs), "it sleeps without an event");
          c.require_eq(EventChannels(them).send(pair.remote), 0, "the peer sends");
          c.check_eq(us.finish_hypercall(kLongNs), std::optional<int64_t>{0}, "result of poll");
        },
}};

}  // namespace
}  // namespace assay
