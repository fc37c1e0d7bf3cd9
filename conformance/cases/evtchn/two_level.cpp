/// What an event does to shared_info and vcpu_info, 2-level ABI.
#include "conformance/case.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

const Case kUnmasked{{
    .slug = "evtchn.two_level.unmasked.announced",
    .rule = "An event on an unmasked port sets its pending bit, the selector bit and upcall-pending of its vCPU.",
    .source = "public/xen.h, struct shared_info, struct vcpu_info",
    .method = "All of shared_info is compared: these three changed and no other pending or mask bit.",
    .requirements = {"EVTCHN-2L-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.require_eq(ours.send(port), 0, "send");
          const shared_info_t after = info.all();
          c.check_eq(after.evtchn_pending[0], uint64_t{1} << port.raw(), "first word of pending bits");
          c.check_eq(after.vcpu_info[0].evtchn_pending_sel, 1, "selector");
          c.check_eq(after.vcpu_info[0].evtchn_upcall_pending, 1, "upcall pending");
          for (size_t word = 1; word < std::size(after.evtchn_pending); ++word) {
            c.check_eq(after.evtchn_pending[word], 0, "other words of pending bits");
          }
          for (const xen_ulong_t word : after.evtchn_mask) c.check_eq(word, 0, "mask bits");
        },
}};

const Case kMasked{{
    .slug = "evtchn.two_level.masked.pending_bit_only",
    .rule = "An event on a masked port sets its pending bit and leaves selector and upcall-pending alone.",
    .source = "public/xen.h, struct shared_info",
    .requirements = {"EVTCHN-2L-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          info.mask(port);
          c.check_eq(ours.send(port), 0, "send");
          c.check(info.pending(port), "the port is pending");
          c.check(info.masked(port), "the port is still masked");
          c.check_eq(info.selector(0), 0, "selector");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
        },
}};

const Case kSelectorSet{{
    .slug = "evtchn.two_level.selector_set.no_upcall",
    .rule = "When the selector bit is set already, an event on another port of the word does not set upcall-pending.",
    .source = "public/xen.h, struct vcpu_info",
    .method =
        "The guest clears upcall-pending but not the selector between two events; a third one, after the selector "
        "was taken, shows the contrast.",
    .requirements = {"EVTCHN-2L-005"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort first = ours.bind_ipi(0).port;
          const EvtchnPort second = ours.bind_ipi(0).port;
          const EvtchnPort third = ours.bind_ipi(0).port;
          c.require_eq(ours.send(first), 0, "first event");
          c.require_eq(info.set_upcall_pending(0, 0), 1, "upcall pending after the first event");
          c.check_eq(ours.send(second), 0, "second event");
          c.check(info.pending(second), "the second port is pending");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending after the second event");
          c.check_eq(info.take_selector(0), 1, "selector");
          c.check_eq(ours.send(third), 0, "third event");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending after the third event");
        },
}};

const Case kPendingSuppresses{{
    .slug = "evtchn.two_level.pending_then_unmasked.not_announced",
    .rule = "A pending bit that is set suppresses the announcement, though the port was unmasked by a store meanwhile.",
    .source = "public/xen.h, struct shared_info",
    .requirements = {"EVTCHN-2L-006"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          info.mask(port);
          c.require_eq(ours.send(port), 0, "event on the masked port");
          info.unmask(port);
          c.check_eq(ours.send(port), 0, "event on the unmasked, pending port");
          c.check_eq(info.selector(0), 0, "selector");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
          info.clear_pending(port);
          c.check_eq(ours.send(port), 0, "event after the pending bit was cleared");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending then");
        },
}};

const Case kBitOfPort{{
    .slug = "evtchn.two_level.every_word.bit_of_port",
    .rule = "Port P is bit P of the pending and mask arrays, and bit P/64 of the selector.",
    .source = "public/xen.h, struct shared_info",
    .method = "IPI ports on both sides of word borders and at the very end; the ports between are held unbound.",
    .requirements = {"EVTCHN-2L-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          c.require_eq(exhaust_ports(c.vcpu()).refusal, -XEN_ENOSPC, "set-up: all ports in use");
          for (const uint32_t number : {1u, 63u, 64u, 127u, 128u, 2047u, 2048u, 4031u, 4032u, 4095u}) {
            const EvtchnPort port{number};
            c.require_eq(ours.close(port), 0, "set-up: making room");
            c.require_eq(ours.bind_ipi(0).port, port, "set-up: an IPI port of this number");
            c.require_eq(ours.send(port), 0, "send");
            const shared_info_t now = info.all();
            c.check_eq(now.evtchn_pending[number / 64], uint64_t{1} << number % 64, "its word of pending bits");
            c.check_eq(now.vcpu_info[0].evtchn_pending_sel, uint64_t{1} << number / 64, "selector");
            info.acknowledge(port, 0);
            info.mask(port);
            c.require_eq(ours.send(port), 0, "send while masked");
            c.check_eq(info.selector(0), 0, "selector while masked");
            info.clear_pending(port);
          }
        },
}};

}  // namespace
}  // namespace assay
