/// FIFO event channels: what an event does to words, queues and control blocks.
#include <array>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/channel_pair.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/fifo_queues.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"
#include "conformance/guest/wait.hpp"

namespace assay {
namespace {

const Case kFirstEvent{{
    .slug = "evtchn.fifo.first_event.linked_and_announced",
    .rule = "An event on an unmasked port that is not linked sets PENDING and LINKED, makes it the head, and sets the "
            "ready bit.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-011", "EVTCHN-FIFO-014"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu(), 2);
          for (const uint32_t vcpu : {0u, 1u}) {
            const EvtchnPort port = ours.bind_ipi(vcpu).port;
            c.check_eq(ours.send(port), 0, "sending");
            c.check_eq(queues.word(port), kWordQueued, "the port's word: linked to nothing");
            c.check_eq(queues.head(vcpu, kFifoDefault), port, "head");
            c.check_eq(queues.ready(vcpu), 1u << kFifoDefault, "ready bits");
            c.check_eq(info.upcall_pending(vcpu), 1, "upcall pending");
          }
          c.check_eq(info.selector(0), 0, "selector, which the FIFO ABI does not use");
          for (uint32_t priority = 0; priority < kFifoPriorities; ++priority) {
            if (priority != kFifoDefault) c.check_eq(queues.head(0, priority).raw(), 0u, "head of another queue");
          }
        },
}};

const Case kMasked{{
    .slug = "evtchn.fifo.masked.pending_only",
    .rule = "An event on a masked port sets PENDING and nothing else.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-012"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          queues.mask(port);
          c.check_eq(ours.send(port), 0, "sending");
          c.check_eq(queues.word(port), kWordPending | kWordMasked, "the port's word");
          c.check_eq(queues.head(0, kFifoDefault).raw(), 0u, "head");
          c.check_eq(queues.ready(0), 0u, "ready bits");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
        },
}};

const Case kOrder{{
    .slug = "evtchn.fifo.one_queue.arrival_order",
    .rule = "Events of one queue are taken in the order in which they arrived.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-013"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          std::array<EvtchnPort, 5> ports{};
          for (EvtchnPort& port : ports) port = ours.bind_ipi(0).port;
          std::vector<uint32_t> order;
          for (const uint32_t index : {3u, 0u, 4u, 1u, 2u}) {
            c.require_eq(ours.send(ports[index]), 0, "sending");
            order.push_back(ports[index].raw());
          }
          c.check_eq(queues.head(0, kFifoDefault).raw(), order.front(), "head: the first");
          for (size_t i = 0; i + 1 < order.size(); ++i) {
            c.check_eq(queues.word(EvtchnPort{order[i]}), kWordQueued | order[i + 1], "linked to the next");
          }
          c.check_eq(queues.word(EvtchnPort{order.back()}), kWordQueued, "the last is linked to nothing");
          c.check(queues.drain(0) == order, "as they are taken");
        },
}};

const Case kHeadAgain{{
    .slug = "evtchn.fifo.queue_emptied.head_written",
    .rule = "Once the guest has emptied a queue the next event is written to the head, also when it is the port that "
            "was last.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-014"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort one = ours.bind_ipi(0).port;
          const EvtchnPort two = ours.bind_ipi(0).port;
          for (const EvtchnPort port : {one, two, two, one, one}) {
            c.require_eq(ours.send(port), 0, "sending");
            c.check_eq(queues.head(0, kFifoDefault), port, "head");
            c.check_eq(queues.word(port), kWordQueued, "the port's word: linked to nothing");
            c.check_eq(queues.ready(0), 1u << kFifoDefault, "ready bits");
            c.check(queues.drain(0) == std::vector<uint32_t>{port.raw()}, "taken");
            c.check_eq(queues.word(port), 0u, "the port's word after it was taken");
          }
        },
}};

const Case kHalfEmptied{{
    .slug = "evtchn.fifo.tail_still_linked.appended",
    .rule = "An event is appended behind the last port as long as that one is still linked, even when the head has "
            "moved on.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-011", "EVTCHN-FIFO-013"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          std::array<EvtchnPort, 3> ports{};
          for (EvtchnPort& port : ports) port = ours.bind_ipi(0).port;
          c.require_eq(ours.send(ports[0]), 0, "sending the first");
          c.require_eq(ours.send(ports[1]), 0, "sending the second");
          queues.take_ready(0);
          c.check(queues.take(0) == ports[0], "the guest takes the first");
          c.require_eq(ours.send(ports[2]), 0, "sending the third");
          c.check_eq(queues.word(ports[1]), kWordQueued | ports[2].raw(), "the second is linked to it");
          c.check_eq(queues.head(0, kFifoDefault), ports[0], "the head is not written");
          c.require_eq(ours.send(ports[0]), 0, "the first again");
          c.check(queues.drain(0) == std::vector<uint32_t>{ports[1].raw(), ports[2].raw(), ports[0].raw()}, "the rest");
        },
}};

const Case kLinkedAlready{{
    .slug = "evtchn.fifo.linked_already.pending_only",
    .rule = "An event on a port that is linked sets PENDING and does not link it again.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-015"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort first = ours.bind_ipi(0).port;
          const EvtchnPort second = ours.bind_ipi(0).port;
          c.require_eq(ours.send(first), 0, "sending the first");
          c.require_eq(ours.send(second), 0, "sending the second");
          queues.take_ready(0);
          info.set_upcall_pending(0, 0);
          c.check_eq(ours.send(first), 0, "the first while it is pending");
          c.check_eq(queues.word(first), kWordQueued | second.raw(), "its word");
          queues.clear_bit(first, EVTCHN_FIFO_PENDING);
          c.check_eq(ours.send(first), 0, "the first after the guest cleared PENDING alone");
          c.check_eq(queues.word(first), kWordQueued | second.raw(), "its word");
          c.check_eq(queues.word(second), kWordQueued, "the second's word");
          c.check_eq(queues.ready(0), 0u, "ready bits");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
          c.check(queues.take(0) == first, "taken: the first");
          c.check(queues.take(0) == second, "then the second");
          c.check_eq(queues.word(first), 0u, "the first's word: no event came back");
        },
}};

const Case kUnmask{{
    .slug = "evtchn.fifo.unmask.links_what_is_pending",
    .rule = "Unmasking clears MASKED, and links and announces the port when it is PENDING.",
    .source = "public/event_channel.h, EVTCHNOP_unmask",
    .requirements = {"EVTCHN-FIFO-018"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort quiet = ours.bind_ipi(0).port;
          queues.mask(quiet);
          c.check_eq(ours.unmask(quiet), 0, "unmasking a port without an event");
          c.check_eq(queues.word(quiet), 0u, "its word");
          c.check_eq(queues.ready(0), 0u, "ready bits");
          const EvtchnPort port = ours.bind_ipi(0).port;
          queues.mask(port);
          c.require_eq(ours.send(port), 0, "sending to the masked port");
          c.check_eq(ours.unmask(port), 0, "unmasking it");
          c.check_eq(queues.word(port), kWordQueued, "its word");
          c.check_eq(queues.head(0, kFifoDefault), port, "head");
          c.check_eq(queues.ready(0), 1u << kFifoDefault, "ready bits");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending");
        },
}};

const Case kUnmaskUnmasked{{
    .slug = "evtchn.fifo.unmask.not_masked.links_too",
    .rule = "Unmasking a PENDING port that is neither masked nor linked links it: other than with the 2-level ABI.",
    .source = "public/event_channel.h, EVTCHNOP_unmask",
    .requirements = {"EVTCHN-FIFO-018"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          queues.set_bit(port, EVTCHN_FIFO_PENDING);
          c.check_eq(ours.unmask(port), 0, "unmasking");
          c.check_eq(queues.word(port), kWordQueued, "its word");
          c.check_eq(queues.head(0, kFifoDefault), port, "head");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending");
          info.set_upcall_pending(0, 0);
          queues.take_ready(0);
          c.check_eq(ours.unmask(port), 0, "unmasking it while it is linked");
          c.check_eq(queues.word(port), kWordQueued, "its word");
          c.check_eq(queues.ready(0), 0u, "ready bits");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending");
        },
}};

const Case kBusyPort{{
    .slug = "evtchn.fifo.linked_port.not_reused",
    .rule = "A closed port whose word is still LINKED is not handed out until the guest has unlinked it.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-019", "EVTCHN-CLOSE-006"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          const EvtchnPort behind = ours.bind_ipi(0).port;
          c.require_eq(ours.send(port), 0, "sending");
          c.require_eq(ours.close(port), 0, "closing");
          c.check_eq(queues.word(port), kWordLinked, "its word: the event is gone, the link stays");
          c.check_eq(ours.bind_ipi(0).port.raw(), behind.raw() + 1, "the next port handed out");
          c.check(queues.drain(0) == std::vector<uint32_t>{port.raw()}, "the guest unlinks it");
          check_lowest_free(c, ours, port, "the port handed out then");
          queues.set_bit(port, EVTCHN_FIFO_LINKED);
          c.check_eq(ours.bind_ipi(0).port.raw(), behind.raw() + 2, "with LINKED set by the guest itself");
          queues.set_word(port, kWordPending | kWordMasked | kWordBusy | 5);
          check_lowest_free(c, ours, port, "with anything but LINKED");
        },
}};

const Case kClose{{
    .slug = "evtchn.fifo.close.pending_cleared_masked_kept",
    .rule = "Closing clears PENDING and leaves the rest of the word to the guest.",
    .source = "public/event_channel.h, EVTCHNOP_close",
    .requirements = {"EVTCHN-CLOSE-004"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          queues.mask(port);
          c.require_eq(ours.send(port), 0, "sending");
          c.require_eq(ours.close(port), 0, "closing");
          c.check_eq(queues.word(port), kWordMasked, "its word");
          c.check_eq(ours.bind_ipi(0).port, port, "the port is free");
          c.check_eq(queues.word(port), kWordMasked, "its word after it was bound again");
        },
}};

const Case kNoBlock{{
    .slug = "evtchn.fifo.no_control_block.dropped",
    .rule = "Events for a vCPU without a control block are dropped.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-020"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort port = ours.bind_ipi(1).port;
          c.check_eq(ours.send(port), 0, "sending");
          c.check_eq(queues.word(port), 0u, "its word");
          c.check_eq(info.upcall_pending(1), 0, "upcall pending");
          c.require_eq(queues.init_control(1), 0, "registering the block");
          c.check_eq(queues.word(port), 0u, "its word: what was dropped stays so");
          c.check_eq(ours.send(port), 0, "sending again");
          c.check_eq(queues.word(port), kWordQueued, "its word");
          c.check_eq(queues.head(1, kFifoDefault), port, "head");
          c.check_eq(info.upcall_pending(1), 1, "upcall pending");
        },
}};

const Case kReadyBit{{
    .slug = "evtchn.fifo.ready_bit_set.no_upcall",
    .rule = "The upcall is raised when a ready bit goes from 0 to 1, and not by an event that finds it set.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-023"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const EvtchnPort one = ours.bind_ipi(0).port;
          const EvtchnPort two = ours.bind_ipi(0).port;
          const EvtchnPort urgent = ours.bind_ipi(0).port;
          c.require_eq(ours.set_priority(urgent, 2), 0, "another queue for a third port");
          c.require_eq(ours.send(one), 0, "sending the first");
          c.require_eq(info.set_upcall_pending(0, 0), 1, "upcall pending");
          c.require(queues.take(0) == one, "the guest takes it and leaves the ready bit");
          c.require_eq(ours.send(two), 0, "sending the second");
          c.check_eq(queues.head(0, kFifoDefault), two, "head");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending: the ready bit was set");
          c.require_eq(ours.send(urgent), 0, "sending in another queue");
          c.check_eq(info.set_upcall_pending(0, 0), 1, "upcall pending: its ready bit was not");
          queues.drain(0);
          c.require_eq(ours.send(one), 0, "sending after the guest cleared the bit");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending");
        },
}};

const Case kUpcallTaken{{
    .slug = "evtchn.fifo.event.upcall_taken",
    .rule = "A FIFO event enters the guest's event handler, and ends a block.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-011", "EVTCHN-FIFO-023"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu(1));
          FifoQueues queues = start_fifo(c, c.vcpu(1));
          SchedOps sched(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.vcpu().set_upcalls(true);
          const uint64_t before = c.vcpu().upcalls().count;
          sched.start_block();
          c.check(!c.vcpu().finish_hypercall(kWatchNs).has_value(), "blocked while there is no event");
          c.require_eq(ours.send(port), 0, "sending");
          c.check_eq(c.vcpu().finish_hypercall(kLongNs).value_or(-1), 0, "block");
          c.check(c.vcpu().wait_upcalls(before + 1, kLongNs), "the handler was entered");
          c.check(queues.drain(0) == std::vector<uint32_t>{port.raw()}, "the event");
        },
}};

const Case kPoll{{
    .slug = "evtchn.fifo.poll.word_decides",
    .rule = "SCHEDOP_poll looks at the port's PENDING bit, masked or not, and an event ends its sleep.",
    .source = "public/sched.h, SCHEDOP_poll",
    .requirements = {"SCHED-010", "EVTCHN-FIFO-012"},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu(1));
          FifoQueues queues = start_fifo(c, c.vcpu(1), 2);
          SchedOps sched(c.vcpu());
          const EvtchnPort port = ours.bind_ipi(1).port;
          queues.mask(port);
          sched.start_poll({port}, 0);
          c.check(!c.vcpu().finish_hypercall(kWatchNs).has_value(), "asleep while there is no event");
          c.require_eq(ours.send(port), 0, "sending");
          c.check_eq(c.vcpu().finish_hypercall(kLongNs).value_or(-1), 0, "the poll ends");
          c.check_eq(sched.poll({port}, 0), 0, "polling a port that is pending");
          c.check_eq(queues.word(port), kWordPending | kWordMasked, "its word");
        },
}};

const Case kMixed{{
    .slug = "evtchn.fifo.peer_two_level.both_ways",
    .rule = "Two domains need not have the same ABI: events arrive in the receiver's way.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-005", "EVTCHN-SEND-001"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          FifoQueues queues = start_fifo(c, c.vcpu());
          SharedInfo our_info(c.vcpu());
          SharedInfo their_info(c.peer().vcpu(0));
          const ChannelPair pair = connect_channel(c, c.vcpu(), c.peer().vcpu(0));
          c.check(queues.drain(0) == std::vector<uint32_t>{pair.local.raw()}, "the event of the bind, in our queue");
          c.check_eq(theirs.send(pair.remote), 0, "they send");
          c.check(queues.drain(0) == std::vector<uint32_t>{pair.local.raw()}, "our event");
          c.check(!our_info.pending(pair.local), "not in our shared_info");
          their_info.clear_pending(pair.remote);
          c.check_eq(ours.send(pair.local), 0, "we send");
          c.check(their_info.pending(pair.remote), "in their shared_info");
        },
}};

}  // namespace
}  // namespace assay
