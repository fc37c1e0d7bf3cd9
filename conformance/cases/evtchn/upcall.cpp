/// When the event callback of a guest runs, and in what state.
#include "conformance/case.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/shutdown_state.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

constexpr uint64_t kInterruptFlag = 1 << 9;

const Case kAtReturn{{
    .slug = "evtchn.upcall.pending_and_let_through.before_next_instruction",
    .rule = "With upcalls let through, an event that a vCPU sends itself reaches its callback before the call returns.",
    .source = "public/xen.h, struct vcpu_info",
    .requirements = {"EVTCHN-UP-001", "EVTCHN-UP-008"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          EventChannels ours(us);
          SharedInfo info(us);
          const EvtchnPort port = ours.bind_ipi(0).port;
          us.set_upcalls(true);
          const uint64_t before = us.upcalls().count;
          c.require_eq(ours.send(port), 0, "send");
          const UpcallRecord record = us.upcalls();
          c.check_eq(record.count, before + 1, "upcalls when the call has returned");
          c.check(info.pending(port), "the port stays pending until the guest clears it");
        },
}};

const Case kHeld{{
    .slug = "evtchn.upcall.held.delivered_when_let_through",
    .rule = "No callback runs while the guest holds upcalls back; the event is delivered after it lets them through.",
    .source = "public/xen.h, struct vcpu_info",
    .method = "Held by the upcall mask (PV) or the interrupt flag (PVH) over several entries to the hypervisor.",
    .requirements = {"EVTCHN-UP-002", "EVTCHN-UP-006"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          EventChannels ours(us);
          SchedOps sched(us);
          const SharedInfo info(us);
          const EvtchnPort port = ours.bind_ipi(0).port;
          us.set_upcalls(false);
          const uint64_t before = us.upcalls().count;
          c.require_eq(ours.send(port), 0, "send");
          for (int i = 0; i < 3; ++i) c.check_eq(sched.yield(), 0, "entering the hypervisor");
          us.spin(kWatchNs);
          c.check_eq(us.upcalls().count, before, "upcalls while held");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending while held");
          us.set_upcalls(true);
          c.check_eq(sched.yield(), 0, "entering the hypervisor once more");
          c.check_eq(us.upcalls().count, before + 1, "upcalls after they were let through");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending after the callback cleared it");
        },
}};

const Case kPvFrame{{
    .slug = "evtchn.upcall.pv.masked_at_entry",
    .rule = "The callback of a PV guest starts with the upcall mask set; the frame's EFLAGS.IF shows it was clear "
            "before, and returning restores that.",
    .source = "public/xen.h, struct vcpu_info, evtchn_upcall_mask",
    .requirements = {"EVTCHN-UP-003"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          EventChannels ours(us);
          const SharedInfo info(us);
          const EvtchnPort port = ours.bind_ipi(0).port;
          us.set_upcalls(true);
          const uint64_t before = us.upcalls().count;
          c.require_eq(ours.send(port), 0, "send");
          const UpcallRecord record = us.upcalls();
          c.require_eq(record.count, before + 1, "upcalls");
          c.check_eq(record.mask_at_entry, 1, "upcall mask when the callback began");
          c.check_eq(record.rflags & kInterruptFlag, kInterruptFlag, "EFLAGS.IF of the frame");
          c.check_eq(info.upcall_mask(0), 0, "upcall mask after the callback returned");
        },
}};

const Case kHvmIgnoresMask{{
    .slug = "evtchn.upcall.pvh.mask_ignored",
    .rule = "An HVM guest's upcalls do not depend on evtchn_upcall_mask, and delivery does not change it.",
    .source = "public/xen.h, struct vcpu_info, evtchn_upcall_mask",
    .requirements = {"EVTCHN-UP-006", "EVTCHN-UP-008"},
    .guests = GuestTypes::kPvh,
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          EventChannels ours(us);
          SharedInfo info(us);
          const EvtchnPort port = ours.bind_ipi(0).port;
          us.set_upcalls(true);
          for (const uint8_t mask : {uint8_t{1}, uint8_t{0}}) {
            info.set_upcall_mask(0, mask);
            const uint64_t before = us.upcalls().count;
            c.require_eq(ours.send(port), 0, "send");
            c.check_eq(us.upcalls().count, before + 1, "upcalls");
            c.check_eq(us.upcalls().mask_at_entry, mask, "upcall mask when the callback began");
            c.check_eq(info.upcall_mask(0), mask, "upcall mask afterwards");
            info.acknowledge(port, 0);
          }
        },
}};

const Case kOnePerTransition{{
    .slug = "evtchn.upcall.several_events.one_upcall",
    .rule = "Events that come while an upcall is already pending cause no further one.",
    .source = "public/xen.h, struct vcpu_info, evtchn_upcall_pending",
    .method = "Two ports in different words of the array are raised while upcalls are held.",
    .requirements = {"EVTCHN-UP-010"},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          EventChannels ours(us);
          SchedOps sched(us);
          const SharedInfo info(us);
          const EvtchnPort low = ours.bind_ipi(0).port;
          c.require_eq(allocate_ports(us, 64).ports, 64, "set-up: filling the first word");
          const EvtchnPort high = ours.bind_ipi(0).port;
          us.set_upcalls(false);
          const uint64_t before = us.upcalls().count;
          c.require_eq(ours.send(low), 0, "first event");
          c.require_eq(ours.send(high), 0, "second event");
          c.check_eq(info.selector(0), 3, "selector");
          us.set_upcalls(true);
          c.check_eq(sched.yield(), 0, "entering the hypervisor");
          c.check_eq(sched.yield(), 0, "and again");
          c.check_eq(us.upcalls().count, before + 1, "upcalls for two events");
          // An emulated processor may deliver one vector twice: the second finds nothing pending. PV64 has no vectors.
          if (c.pv() || c.target().has(Capability::kVirtualTime)) {
            c.check_eq(us.upcalls().spurious, 0u, "upcalls with nothing pending");
          }
        },
}};

const Case kOtherVcpu{{
    .slug = "evtchn.upcall.second_vcpu.its_own",
    .rule = "An event for another vCPU runs the callback there, not on the sender.",
    .source = "public/xen.h, struct vcpu_info",
    .requirements = {"EVTCHN-UP-001", "EVTCHN-UP-008", "EVTCHN-IPI-002"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(1).port;
          c.vcpu(0).set_upcalls(true);
          c.vcpu(1).set_upcalls(true);
          const uint64_t sender_before = c.vcpu(0).upcalls().count;
          const uint64_t target_before = c.vcpu(1).upcalls().count;
          c.require_eq(ours.send(port), 0, "send");
          c.check(c.vcpu(1).wait_upcalls(target_before + 1, kLongNs), "the callback runs on vCPU 1");
          c.check_eq(c.vcpu(1).upcalls().count, target_before + 1, "upcalls of vCPU 1");
          c.check_eq(c.vcpu(0).upcalls().count, sender_before, "upcalls of vCPU 0");
        },
}};

const Case kNoCallback{{
    .slug = "evtchn.upcall.pv.no_callback.domain_crashes",
    .rule = "An upcall that falls due in a PV guest whose callback address is 0 crashes the domain.",
    .source = "public/callback.h, CALLBACKTYPE_event",
    .requirements = {"EVTCHN-UP-004"},
    .guests = GuestTypes::kPv64,
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          Vcpu& us = c.vcpu();
          DomctlOps control(c.dom0().vcpu(0));
          const DomId id = c.guest().id();
          const EvtchnPort port = EventChannels(us).bind_ipi(0).port;
          callback_register_t none{};
          none.type = CALLBACKTYPE_event;
          const GuestStruct<callback_register_t> callback(us, none);
          const GuestStruct<evtchn_send_t> send(us, evtchn_send_t{port.raw()});
          c.require_eq(us.hypercall(__HYPERVISOR_callback_op, {CALLBACKOP_register, callback.va().raw()}), 0,
                       "setting the callback address to 0");
          us.set_upcalls(true);
          c.check(!shutdown_state(control, id).shut_down, "nothing happens without an event");
          us.start_hypercall(__HYPERVISOR_event_channel_op, {EVTCHNOP_send, send.va().raw()});
          c.require(wait_shut_down(c, control, id), "the domain shuts down");
          c.check_eq(shutdown_state(control, id).code, uint32_t{SHUTDOWN_crash}, "recorded code");
        },
}};

}  // namespace
}  // namespace assay
