/// Two vCPUs inside the event channel code at once: whatever the interleaving, nothing is lost and nothing is half
/// done.
#include <set>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/fifo_queues.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

constexpr uint32_t kRounds = 48;
/// The window between a look at a mask and the next step is one scheduling point wide.
constexpr uint32_t kMaskRounds = 200;

/// An operation of event_channel_op that is under way while others act.
template <typename Argument>
int64_t during(CaseContext& c, Vcpu& vcpu, uint64_t command, const Argument& argument,
               const std::function<void()>& meanwhile) {
  const GuestStruct<Argument> memory(vcpu, argument);
  return c.during(vcpu, __HYPERVISOR_event_channel_op, {command, memory.va().raw()}, meanwhile);
}

/// Two ports of one guest, bound to each other: a send on one holds nothing that an operation on the other waits for.
ChannelPair loopback(CaseContext& c, EventChannels& ours) {
  const EvtchnPort receiving = offer_port(c, c.vcpu(0), c.guest().id());
  const PortResult sending = ours.bind_interdomain(c.guest().id(), receiving);
  c.require_eq(sending.result, 0, "set-up: binding the channel");
  return {sending.port, receiving};
}

const Case kSendUnmask{{
    .slug = "evtchn.race.send_and_unmask.announced",
    .rule = "An event sent while its port is being unmasked is announced, by the one or the other.",
    .source = "public/event_channel.h, EVTCHNOP_unmask",
    .requirements = {"EVTCHN-UNMASK-001", "EVTCHN-2L-004"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels receiver(c.vcpu(0));
          SharedInfo info(c.vcpu(0));
          const ChannelPair ends = loopback(c, receiver);
          const EvtchnPort sending = ends.local, port = ends.remote;
          info.acknowledge(sending, 0);
          info.acknowledge(port, 0);
          c.interleave(kMaskRounds, [&] {
            info.mask(port);
            int64_t unmasked = -1;
            const int64_t sent = during(c, c.vcpu(1), EVTCHNOP_send, evtchn_send_t{sending.raw()},
                                        [&] { unmasked = receiver.unmask(port); });
            c.check_eq(sent, 0, "send");
            c.check_eq(unmasked, 0, "unmask");
            c.check(info.pending(port), "pending");
            c.check(info.selected(port, 0), "selector bit");
            c.check_eq(info.upcall_pending(0), 1, "upcall pending");
            info.acknowledge(port, 0);
          });
        },
}};

const Case kFifoSendUnmask{{
    .slug = "evtchn.race.fifo_send_and_unmask.queued_once",
    .rule = "A FIFO event sent while its port is being unmasked is queued exactly once.",
    .source = "public/event_channel.h, EVTCHNOP_unmask",
    .requirements = {"EVTCHN-FIFO-018", "EVTCHN-FIFO-015"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels receiver(c.vcpu(0));
          FifoQueues queues = start_fifo(c, c.vcpu(0));
          const ChannelPair ends = loopback(c, receiver);
          const EvtchnPort sending = ends.local, port = ends.remote;
          queues.drain(0);
          c.interleave(kMaskRounds, [&] {
            queues.mask(port);
            int64_t unmasked = -1;
            const int64_t sent = during(c, c.vcpu(1), EVTCHNOP_send, evtchn_send_t{sending.raw()},
                                        [&] { unmasked = receiver.unmask(port); });
            c.check_eq(sent, 0, "send");
            c.check_eq(unmasked, 0, "unmask");
            c.check_eq(queues.word(port), kWordQueued, "the port's word");
            c.check_eq(queues.ready(0), 1u << kFifoDefault, "ready bits");
            c.check(queues.drain(0) == std::vector<uint32_t>{port.raw()}, "taken once");
          });
        },
}};

const Case kFifoTwoSenders{{
    .slug = "evtchn.race.fifo_two_senders.both_queued",
    .rule = "Two events that arrive in one FIFO queue at once are both queued.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-013", "EVTCHN-FIFO-023"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu(0));
          SharedInfo info(c.vcpu(0));
          FifoQueues queues = start_fifo(c, c.vcpu(0));
          const EvtchnPort one = ours.bind_ipi(0).port;
          const EvtchnPort two = ours.bind_ipi(0).port;
          c.interleave(kRounds, [&] {
            int64_t second = -1;
            const int64_t first =
                during(c, c.vcpu(1), EVTCHNOP_send, evtchn_send_t{one.raw()}, [&] { second = ours.send(two); });
            c.check_eq(first, 0, "one send");
            c.check_eq(second, 0, "the other");
            c.check_eq(info.set_upcall_pending(0, 0), 1, "upcall pending");
            const std::vector<uint32_t> taken = queues.drain(0);
            c.check_eq(taken.size(), size_t{2}, "events taken");
            c.check(std::set(taken.begin(), taken.end()) == std::set{one.raw(), two.raw()}, "both of them");
          });
        },
}};

const Case kFifoTakenMeanwhile{{
    .slug = "evtchn.race.fifo_send_and_take.nothing_lost",
    .rule = "An event that is being linked behind a port which the guest takes at that moment is not lost.",
    .source = "public/event_channel.h, FIFO ABI",
    .method = "The guest takes whatever is queued while the second event is sent, and again afterwards.",
    .requirements = {"EVTCHN-FIFO-022", "EVTCHN-FIFO-014"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu(0));
          FifoQueues queues = start_fifo(c, c.vcpu(0));
          const EvtchnPort one = ours.bind_ipi(0).port;
          const EvtchnPort two = ours.bind_ipi(0).port;
          c.interleave(kRounds, [&] {
            c.require_eq(ours.send(one), 0, "the first event");
            std::vector<uint32_t> taken;
            const int64_t sent =
                during(c, c.vcpu(1), EVTCHNOP_send, evtchn_send_t{two.raw()}, [&] { taken = queues.drain(0); });
            c.check_eq(sent, 0, "sending the second");
            if (taken.size() == 1) {
              c.check_eq(queues.ready(0), 1u << kFifoDefault, "ready bits with the second still to be taken");
            }
            for (const uint32_t port : queues.drain(0)) taken.push_back(port);
            c.check(taken == std::vector<uint32_t>{one.raw(), two.raw()}, "both events, once each");
          });
        },
}};

const Case kExpandSend{{
    .slug = "evtchn.race.expand_and_send.announced",
    .rule = "An event sent while the port's word is being added is announced.",
    .source = "public/event_channel.h, EVTCHNOP_expand_array",
    .requirements = {"EVTCHN-FIFO-007", "EVTCHN-FIFO-021"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .pages = 1280,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu(0));
          const Gva words = c.guest().alloc_pages(1);
          const Gva block = c.guest().alloc_pages(1);
          c.interleave(kRounds, [&] {
            c.require_eq(ours.reset(), 0, "set-up: back to the 2-level ABI");
            for (const Gva page : {words, block}) c.vcpu(0).fill(page, kPageSize, 0);
            FifoQueues queues(c.vcpu(0));
            c.require_eq(queues.init_control_at(0, block, 0), 0, "set-up: control block");
            const EvtchnPort port = ours.bind_ipi(0).port;
            int64_t expanded = -1;
            const int64_t sent = during(c, c.vcpu(1), EVTCHNOP_send, evtchn_send_t{port.raw()},
                                        [&] { expanded = queues.expand_array_with(words); });
            c.check_eq(sent, 0, "send");
            c.require_eq(expanded, 0, "adding the words");
            c.check_eq(queues.word(port), kWordQueued, "the port's word");
            c.check(queues.drain(0) == std::vector<uint32_t>{port.raw()}, "taken once");
          });
        },
}};

const Case kSendClose{{
    .slug = "evtchn.race.send_and_close.no_trace",
    .rule = "A send succeeds whether or not the peer's port is being closed; a closed port is not pending.",
    .source = "public/event_channel.h, EVTCHNOP_close",
    .requirements = {"EVTCHN-CLOSE-003", "EVTCHN-CLOSE-004", "EVTCHN-SEND-002"},
    .needs = {Capability::kSteer, Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          const SharedInfo info(c.vcpu());
          c.interleave(kRounds, [&] {
            const ChannelPair pair = quiet_channel(c, c.vcpu(), c.peer().vcpu(0));
            int64_t closed = -1;
            const int64_t sent = during(c, c.peer().vcpu(0), EVTCHNOP_send, evtchn_send_t{pair.remote.raw()},
                                        [&] { closed = ours.close(pair.local); });
            c.check_eq(sent, 0, "send");
            c.check_eq(closed, 0, "close");
            c.check(!info.pending(pair.local), "the closed port is not pending");
            check_closed(c, ours, pair.local, "our end");
            check_unbound(c, theirs, pair.remote, c.guest().id(), "their end");
            c.require_eq(theirs.close(pair.remote), 0, "closing it");
          });
        },
}};

const Case kBindClose{{
    .slug = "evtchn.race.bind_and_close.one_after_the_other",
    .rule =
        "Binding a port that is being closed either fails with EINVAL or leaves our end unbound: never half a channel.",
    .source = "public/event_channel.h, EVTCHNOP_bind_interdomain",
    .requirements = {"EVTCHN-INTER-004", "EVTCHN-INTER-006", "EVTCHN-CLOSE-003"},
    .needs = {Capability::kSteer, Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          c.interleave(kRounds, [&] {
            const EvtchnPort offered = offer_port(c, c.peer().vcpu(0), c.guest().id());
            evtchn_bind_interdomain_t bind{};
            bind.remote_dom = c.peer().id().raw();
            bind.remote_port = offered.raw();
            int64_t closed = -1;
            const int64_t bound =
                during(c, c.vcpu(), EVTCHNOP_bind_interdomain, bind, [&] { closed = theirs.close(offered); });
            c.check_eq(closed, 0, "close");
            check_closed(c, theirs, offered, "their port");
            if (bound == 0) {
              check_unbound(c, ours, kFirstPort, c.peer().id(), "our port");
              c.require_eq(ours.close(kFirstPort), 0, "closing it");
            } else {
              c.check_eq(bound, -XEN_EINVAL, "bind");
              check_closed(c, ours, kFirstPort, "our port");
            }
          });
        },
}};

/// What a reset and whatever ran beside it may answer, and that the race was there to be seen.
class ResetRace {
 public:
  explicit ResetRace(CaseContext& c) : c_(c), ours_(c.vcpu(0)) {}

  int64_t reset_during(const std::function<void()>& meanwhile) {
    c_.require_eq(allocate_ports(c_.vcpu(0), kPorts).ports, kPorts, "set-up: ports");
    return during(c_, c_.vcpu(1), EVTCHNOP_reset, evtchn_reset_t{DOMID_SELF}, meanwhile);
  }
  void saw(int64_t result, int64_t wanted) { seen_ = seen_ || result == wanted; }
  void conclude(std::string_view what) {
    if (!seen_ && c_.target().has(Capability::kSteer)) c_.inconclusive(what);
  }
  EventChannels& ours() { return ours_; }

 private:
  static constexpr uint32_t kPorts = 100;
  CaseContext& c_;
  EventChannels ours_;
  bool seen_ = false;
};

const Case kResetBind{{
    .slug = "evtchn.race.reset_and_bind.eagain_or_clean",
    .rule = "When a port is opened while a reset runs and outlives it, the reset says EAGAIN.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-007"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          ResetRace race(c);
          c.interleave(kRounds, [&] {
            PortResult bound{};
            const int64_t reset = race.reset_during([&] { bound = race.ours().bind_ipi(0); });
            c.require_eq(bound.result, 0, "bind");
            const uint32_t state = race.ours().status(bound.port).arg.status;
            if (reset == -XEN_EAGAIN) {
              c.check_eq(state, uint32_t{EVTCHNSTAT_ipi}, "the port that made it say so");
            } else {
              c.check_eq(reset, 0, "reset");
            }
            race.saw(reset, -XEN_EAGAIN);
            c.check_eq(race.ours().reset(), 0, "another reset, alone");
            check_lowest_free(c, race.ours(), kFirstPort, "then every port is free");
          });
          race.conclude("no port was opened behind a running reset");
        },
}};

const Case kResetReset{{
    .slug = "evtchn.race.two_resets.second_is_ebusy",
    .rule = "A reset that begins while another one runs gives EBUSY; the other one is complete.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-005", "EVTCHN-RESET-001"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          ResetRace race(c);
          c.interleave(kRounds, [&] {
            int64_t second = -1;
            const int64_t first = race.reset_during([&] { second = race.ours().reset(); });
            for (const int64_t result : {first, second}) {
              c.check(result == 0 || result == -XEN_EBUSY, "each says 0 or EBUSY");
              race.saw(result, -XEN_EBUSY);
            }
            c.check(first == 0 || second == 0, "one of them is complete");
            check_lowest_free(c, race.ours(), kFirstPort, "every port is free");
          });
          race.conclude("the resets did not meet");
        },
}};

const Case kOrderOfMarks{{
    .slug = "evtchn.race.two_level_marks.order",
    .rule = "An event sets the pending bit, then the selector bit, then the upcall flag: no later mark is seen alone.",
    .source = "public/xen.h, Event channel endpoints per domain",
    .method = "The receiver looks at shared_info while the event is on its way.",
    .requirements = {"EVTCHN-2L-003"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu(0));
          SharedInfo info(c.vcpu(0));
          const EvtchnPort port = ours.bind_ipi(0).port;
          info.unmask(port);
          c.interleave(2 * kRounds, [&] {
            shared_info_t seen{};
            const int64_t sent = during(c, c.vcpu(1), EVTCHNOP_send, evtchn_send_t{port.raw()}, [&] {
              for (int look = 0; look < 4 && seen.vcpu_info[0].evtchn_pending_sel == 0; ++look) seen = info.all();
            });
            c.check_eq(sent, 0, "send");
            const bool upcall = seen.vcpu_info[0].evtchn_upcall_pending != 0;
            const bool selected = (seen.vcpu_info[0].evtchn_pending_sel & 1) != 0;
            const bool pending = (seen.evtchn_pending[0] >> port.raw() & 1) != 0;
            c.check(!upcall || selected, "the upcall flag with the selector bit");
            c.check(!selected || pending, "the selector bit with the pending bit");
            c.check_eq(info.upcall_pending(0), 1, "upcall pending in the end");
            info.acknowledge(port, 0);
          });
        },
}};

const Case kReadyAndHead{{
    .slug = "evtchn.race.fifo_send_and_look.ready_has_head",
    .rule = "Whoever sees the ready bit of a queue finds its head written.",
    .source = "public/event_channel.h, FIFO ABI",
    .method = "The guest looks at the control block while the first event of an empty queue is sent.",
    .requirements = {"EVTCHN-FIFO-014", "EVTCHN-FIFO-023"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu(0));
          FifoQueues queues = start_fifo(c, c.vcpu(0));
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.interleave(kMaskRounds, [&] {
            evtchn_fifo_control_block_t seen{};
            const int64_t sent =
                during(c, c.vcpu(1), EVTCHNOP_send, evtchn_send_t{port.raw()}, [&] { seen = queues.block(0); });
            c.check_eq(sent, 0, "send");
            if ((seen.ready >> kFifoDefault & 1) != 0) c.check_eq(seen.head[kFifoDefault], port.raw(), "head");
            c.check(queues.drain(0) == std::vector<uint32_t>{port.raw()}, "the event, once");
            c.vcpu(0).write(queues.block_va(0) + offsetof(evtchn_fifo_control_block_t, head) + 4 * kFifoDefault, 0u);
          });
        },
}};

}  // namespace
}  // namespace assay
