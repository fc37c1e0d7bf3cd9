/// FIFO event channels: which queue an event goes to, and what a guest can break.
#include "conformance/guest/fifo_queues.hpp"

#include <array>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

const Case kPriorities{{
    .slug = "evtchn.set_priority.each.own_queue",
    .rule = "Each priority from 0 to 15 has a queue and a ready bit of its own.",
    .source = "public/event_channel.h, EVTCHNOP_set_priority",
    .requirements = {"EVTCHN-FIFO-016"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          uint32_t ready = 0;
          for (uint32_t priority = 0; priority < kFifoPriorities; ++priority) {
            const EvtchnPort port = ours.bind_ipi(0).port;
            c.check_eq(ours.set_priority(port, priority), 0, "priority " + std::to_string(priority));
            c.require_eq(ours.send(port), 0, "sending");
            ready |= 1u << priority;
            c.check_eq(queues.ready(0), ready, "ready bits");
            c.check_eq(queues.head(0, priority), port, "head of its queue");
            c.check_eq(queues.word(port), kWordQueued, "its word");
          }
        },
}};

const Case kPriorityErrors{{
    .slug = "evtchn.set_priority.refused.order_of_errors",
    .rule = "EINVAL for a port that does not exist, EACCES for one not in use, then EINVAL for a priority above 15.",
    .source = "public/event_channel.h, EVTCHNOP_set_priority",
    .requirements = {"EVTCHN-FIFO-016"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          for (const uint32_t priority : {3u, 16u}) {
            for (const uint32_t missing : {64u, 131072u, 0xffff'ffffu}) {
              c.check_eq(ours.set_priority(EvtchnPort{missing}, priority), -XEN_EINVAL, "port that does not exist");
            }
            for (const uint32_t closed : {0u, 9u, 63u}) {
              c.check_eq(ours.set_priority(EvtchnPort{closed}, priority), -XEN_EACCES, "port that is not in use");
            }
          }
          c.require_eq(ours.set_priority(port, 3), 0, "a good one");
          for (const uint32_t priority : {16u, 255u, 256u + 5, 0xffff'ffffu}) {
            c.check_eq(ours.set_priority(port, priority), -XEN_EINVAL, "priority " + std::to_string(priority));
          }
          c.require_eq(ours.send(port), 0, "sending");
          c.check_eq(queues.head(0, 3), port, "the priority it has kept");
        },
}};

const Case kPriorityTwoLevel{{
    .slug = "evtchn.set_priority.two_level.enosys",
    .rule = "With the 2-level ABI there are no priorities: ENOSYS for any port that exists.",
    .source = "public/event_channel.h, EVTCHNOP_set_priority",
    .requirements = {"EVTCHN-FIFO-016"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          for (const uint32_t priority : {3u, 16u}) {
            c.check_eq(ours.set_priority(port, priority), -XEN_ENOSYS, "a port in use");
            c.check_eq(ours.set_priority(EvtchnPort{9}, priority), -XEN_ENOSYS, "a closed port");
            c.check_eq(ours.set_priority(EvtchnPort{64}, priority), -XEN_EINVAL, "a port that does not exist");
          }
          FifoQueues queues = start_fifo(c, c.vcpu());
          c.require_eq(ours.send(port), 0, "sending after the switch");
          c.check_eq(queues.head(0, kFifoDefault), port, "the default priority");
        },
}};

const Case kPriorityLater{{
    .slug = "evtchn.set_priority.queued_event.stays",
    .rule = "A priority counts for later events: one that is queued stays where it is.",
    .source = "public/event_channel.h, EVTCHNOP_set_priority",
    .requirements = {"EVTCHN-FIFO-017"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.require_eq(ours.send(port), 0, "sending at priority 7");
          c.require_eq(ours.set_priority(port, 3), 0, "priority 3");
          c.check_eq(queues.head(0, kFifoDefault), port, "still in its queue");
          c.require_eq(ours.send(port), 0, "sending while it is queued");
          c.check_eq(queues.ready(0), 1u << kFifoDefault, "ready bits");
          c.check_eq(queues.head(0, 3).raw(), 0u, "head of the new queue");
          c.check(queues.drain(0) == std::vector<uint32_t>{port.raw()}, "taken from the old queue");
          c.require_eq(ours.send(port), 0, "sending again");
          c.check_eq(queues.head(0, 3), port, "head of the new queue");
          c.check_eq(queues.ready(0), 1u << 3, "ready bits");
        },
}};

const Case kPriorityReset{{
    .slug = "evtchn.set_priority.port_reused.default_again",
    .rule = "A port that was closed starts with priority 7 when it is bound again.",
    .source = "public/event_channel.h, EVTCHNOP_set_priority",
    .requirements = {"EVTCHN-FIFO-016"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.require_eq(ours.set_priority(port, 0), 0, "priority 0");
          c.require_eq(ours.close(port), 0, "closing");
          c.require_eq(ours.bind_ipi(0).port, port, "binding it again");
          c.require_eq(ours.send(port), 0, "sending");
          c.check_eq(queues.ready(0), 1u << kFifoDefault, "ready bits");
          c.check_eq(queues.head(0, kFifoDefault), port, "head");
        },
}};

const Case kTailMoved{{
    .slug = "evtchn.fifo.tail_changes_queue.old_queue_empty",
    .rule = "A port that was last in one queue and goes to another leaves the old one empty: nothing is linked behind "
            "it there.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-014", "EVTCHN-FIFO-017"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort mover = ours.bind_ipi(0).port;
          const EvtchnPort other = ours.bind_ipi(0).port;
          c.require_eq(ours.send(mover), 0, "sending at priority 7");
          c.require(queues.drain(0) == std::vector<uint32_t>{mover.raw()}, "the guest takes it");
          c.require_eq(ours.set_priority(mover, 3), 0, "priority 3");
          c.require_eq(ours.send(mover), 0, "sending at priority 3");
          c.require_eq(ours.send(other), 0, "another port at priority 7");
          c.check_eq(queues.head(0, kFifoDefault), other, "head of the old queue");
          c.check_eq(queues.head(0, 3), mover, "head of the new queue");
          c.check_eq(queues.word(mover), kWordQueued, "linked to nothing");
          c.check_eq(queues.ready(0), 1u << kFifoDefault | 1u << 3, "ready bits");
        },
}};

const Case kMoved{{
    .slug = "evtchn.fifo.bind_vcpu.queued_event.stays",
    .rule = "An event that is queued stays with its vCPU when the port is moved; the next one goes to the new vCPU.",
    .source = "public/event_channel.h, EVTCHNOP_bind_vcpu",
    .requirements = {"EVTCHN-FIFO-017", "EVTCHN-FIFO-011"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu(), 2);
          const EvtchnPort offered = offer_port(c, c.vcpu(), c.guest().id());
          const EvtchnPort sender = ours.bind_interdomain(c.guest().id(), offered).port;
          queues.drain(0);
          info.set_upcall_pending(0, 0);
          c.require_eq(ours.send(sender), 0, "sending");
          c.require_eq(ours.bind_vcpu(offered, 1), 0, "moving the port to vCPU 1");
          c.require_eq(ours.send(sender), 0, "sending while it is queued");
          c.check_eq(queues.head(1, kFifoDefault).raw(), 0u, "head on vCPU 1");
          c.check_eq(info.upcall_pending(1), 0, "upcall pending of vCPU 1");
          c.check(queues.drain(0) == std::vector<uint32_t>{offered.raw()}, "taken on vCPU 0");
          info.set_upcall_pending(0, 0);
          c.require_eq(ours.send(sender), 0, "sending again");
          c.check_eq(queues.ready(0), 0u, "ready bits of vCPU 0");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending of vCPU 0");
          c.check_eq(info.upcall_pending(1), 1, "upcall pending of vCPU 1");
          c.check(queues.drain(1) == std::vector<uint32_t>{offered.raw()}, "taken on vCPU 1");
          const EvtchnPort ipi = ours.bind_ipi(0).port;
          c.require_eq(ours.send(ipi), 0, "another port on vCPU 0");
          c.check_eq(queues.head(0, kFifoDefault), ipi, "head on vCPU 0: nothing is behind the one that left");
        },
}};

const Case kBadLink{{
    .slug = "evtchn.fifo.corrupted_words.own_loss_only",
    .rule = "Whatever a guest writes into its words, an operation succeeds or is refused as before, and no other "
            "domain notices.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-022"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          FifoQueues queues = start_fifo(c, c.vcpu());
          FifoQueues their_queues = start_fifo(c, c.peer().vcpu(0));
          const ChannelPair pair = connect_channel(c, c.vcpu(), c.peer().vcpu(0));
          const EvtchnPort other = ours.bind_ipi(0).port;
          their_queues.drain(0);
          constexpr std::array<event_word_t, 8> kGarbage{
              0xffff'ffff, kWordLinked | 0x1ffff,       kWordLinked | 5000, kWordLinked,
              kWordBusy,   kWordBusy | kWordLinked | 3, 0x0fff'ffff,        kWordPending};
          for (const event_word_t garbage : kGarbage) {
            c.check_eq(theirs.send(pair.remote), 0, "they send");
            queues.set_word(pair.local, garbage);
            c.check_eq(ours.send(other), 0, "an event behind the broken word");
            c.check_eq(theirs.send(pair.remote), 0, "they send to the broken word");
            c.check_eq(ours.unmask(pair.local), 0, "unmasking it");
            queues.set_word(other, garbage);
            c.check_eq(ours.send(pair.local), 0, "we send");
            c.check(their_queues.drain(0) == std::vector<uint32_t>{pair.remote.raw()}, "their event");
            c.check_eq(their_queues.ready(0), 0u, "their ready bits");
          }
          for (const EvtchnPort port : {pair.local, other}) queues.set_word(port, 0);
          c.check_eq(ours.send(other), 0, "sending on a mended word");
          c.check_eq(queues.word(other), kWordQueued, "its word");
          c.check_eq(queues.head(0, kFifoDefault), other, "head");
        },
}};

const Case kBusyTail{{
    .slug = "evtchn.fifo.tail_marked_busy.bit_cleared",
    .rule = "A BUSY bit that a guest left in a linked word is gone when the next port is linked behind it.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-022"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort tail = ours.bind_ipi(0).port;
          const EvtchnPort next = ours.bind_ipi(0).port;
          c.require_eq(ours.send(tail), 0, "sending");
          queues.set_word(tail, kWordLinked | kWordMasked | kWordBusy | 0x1ffff);
          c.require_eq(ours.send(next), 0, "the next event");
          c.check_eq(queues.word(tail), kWordLinked | kWordMasked | next.raw(),
                     "the word in front of it: the link is replaced");
          c.check_eq(queues.word(next), kWordQueued, "its own word");
        },
}};

const Case kTailUnlinked{{
    .slug = "evtchn.fifo.tail_unlinked_by_guest.head_written",
    .rule = "When the guest cleared LINKED in the last port's word, the next event starts the queue anew.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-014", "EVTCHN-FIFO-022"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort tail = ours.bind_ipi(0).port;
          const EvtchnPort next = ours.bind_ipi(0).port;
          c.require_eq(ours.send(tail), 0, "sending");
          queues.take_ready(0);
          info.set_upcall_pending(0, 0);
          queues.set_word(tail, kWordPending);
          c.require_eq(ours.send(next), 0, "the next event");
          c.check_eq(queues.word(tail), kWordPending, "the unlinked word");
          c.check_eq(queues.head(0, kFifoDefault), next, "head");
          c.check_eq(queues.ready(0), 1u << kFifoDefault, "ready bits");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending");
        },
}};

}  // namespace
}  // namespace assay
