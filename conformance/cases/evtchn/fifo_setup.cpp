/// FIFO event channels: how a domain gets to them, gives them memory, and leaves them.
#include <array>
#include <vector>

#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/fifo_queues.hpp"
#include "conformance/guest/multicall.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/sched_ops.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

constexpr std::array<uint64_t, 3> kFifoOperations{EVTCHNOP_init_control, EVTCHNOP_expand_array, EVTCHNOP_set_priority};

/// The guest has the 2-level ABI: its events show in shared_info.
void check_two_level(CaseContext& c, EventChannels& ours) {
  SharedInfo info(c.vcpu());
  c.check_eq(ours.expand_array(c.guest().gfn_of(c.guest().alloc_pages(1))), -XEN_EOPNOTSUPP, "adding event words");
  const EvtchnPort port = ours.bind_ipi(0).port;
  info.unmask(port);
  c.check_eq(ours.send(port), 0, "sending");
  c.check(info.pending(port), "pending in shared_info");
  c.check_eq(info.upcall_pending(0), 1, "upcall pending");
  info.acknowledge(port, 0);
  c.require_eq(ours.close(port), 0, "closing");
}

/// Frames that no guest may have written for it: no memory at all, and for PV64 a page table.
std::vector<Gfn> unusable_frames(CaseContext& c) {
  std::vector<Gfn> frames{Gfn{0x12'3456'789a}, Gfn{0xffff'ffff'ffff}, Gfn{~uint64_t{0}}};
  if (!c.pv()) {
    frames.push_back(Gfn{c.guest().space().pages + 0x1000});
    return frames;
  }
  const auto info = c.vcpu().read<start_info_t>(c.guest().space().start_info);
  frames.push_back(c.guest().gfn_of(Gva{info.pt_base}));
  return frames;
}

const Case kAbsentVcpu{{
    .slug = "evtchn.init_control.absent_vcpu.enoent",
    .rule = "A control block for a vCPU that does not exist gives ENOENT, and the domain stays with the 2-level ABI.",
    .source = "public/event_channel.h, EVTCHNOP_init_control",
    .requirements = {"EVTCHN-FIFO-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const Gfn page = c.guest().gfn_of(c.guest().alloc_pages(1));
          for (const uint32_t vcpu : {2u, 5u, 8192u, 0xffff'ffffu}) {
            const auto got = ours.init_control(page, 0, vcpu);
            c.check_eq(got.result, -XEN_ENOENT, "absent vCPU");
            c.check_eq(got.arg.link_bits, kUntouchedByte, "link_bits after the error");
          }
          c.check_eq(ours.init_control(page, 1, 2).result, -XEN_ENOENT, "absent vCPU and a bad offset");
          check_two_level(c, ours);
          c.check_eq(ours.init_control(page, 0, 1).result, 0, "the last vCPU there is");
        },
}};

const Case kOffset{{
    .slug = "evtchn.init_control.bad_offset.einval",
    .rule = "A control block that crosses the end of its page or is not aligned to 8 bytes gives EINVAL.",
    .source = "public/event_channel.h, EVTCHNOP_init_control",
    .requirements = {"EVTCHN-FIFO-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const Gfn page = c.guest().gfn_of(c.guest().alloc_pages(1));
          constexpr uint32_t kLast = kPageSize - sizeof(evtchn_fifo_control_block_t);
          for (const uint32_t offset :
               {1u, 4u, 7u, 12u, kLast - 4, kLast + 4, kLast + 8, 4088u, 4096u, 0x8000'0000u, 0xffff'fff8u}) {
            c.check_eq(ours.init_control(page, offset, 0).result, -XEN_EINVAL, "offset " + std::to_string(offset));
          }
          check_two_level(c, ours);
          c.check_eq(ours.init_control(page, kLast, 0).result, 0, "the last offset that fits");
          c.check_eq(ours.init_control(page, 8, 1).result, 0, "another aligned one in the same page");
        },
}};

const Case kSecondBlock{{
    .slug = "evtchn.init_control.second_block.einval",
    .rule = "A vCPU keeps its first control block: registering a second one gives EINVAL.",
    .source = "public/event_channel.h, EVTCHNOP_init_control",
    .requirements = {"EVTCHN-FIFO-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const Gva other = c.guest().alloc_pages(1);
          c.check_eq(ours.init_control(c.guest().gfn_of(other), 0, 0).result, -XEN_EINVAL, "another page");
          c.check_eq(queues.init_control_at(0, queues.block_va(0), 0), -XEN_EINVAL, "the same page");
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.require_eq(ours.send(port), 0, "sending");
          c.check_eq(queues.head(0, kFifoDefault), port, "head in the first block");
          c.check_eq(c.vcpu().read<uint32_t>(other), 0u, "ready in the refused block");
          c.check_eq(queues.init_control(1), 0, "a block for the other vCPU");
        },
}};

const Case kBadFrame{{
    .slug = "evtchn.init_control.bad_frame.einval",
    .rule = "A frame that the guest cannot have written gives EINVAL, and the domain stays with the 2-level ABI.",
    .source = "public/event_channel.h, EVTCHNOP_init_control",
    .method = "No memory at all, and for PV64 a page table.",
    .requirements = {"EVTCHN-FIFO-004"},
    .pages = 1024,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const Gfn frame : unusable_frames(c)) {
            const auto got = ours.init_control(frame, 0, 0);
            c.check_eq(got.result, -XEN_EINVAL, "frame " + show(frame.raw()));
            c.check_eq(got.arg.link_bits, kUntouchedByte, "link_bits after the error");
          }
          check_two_level(c, ours);
          FifoQueues queues = start_fifo(c, c.vcpu());
          for (const Gfn frame : unusable_frames(c)) {
            c.check_eq(ours.init_control(frame, 0, 1).result, -XEN_EINVAL,
                       "the second vCPU's, frame " + show(frame.raw()));
            c.check_eq(ours.expand_array(frame), -XEN_EINVAL, "event words, frame " + show(frame.raw()));
          }
          c.check_eq(queues.init_control(1), 0, "a good frame afterwards");
        },
}};

const Case kSwitch{{
    .slug = "evtchn.init_control.first.whole_domain",
    .rule = "The first control block tells the link width, 17 bits, and moves the whole domain to the FIFO ABI.",
    .source = "public/event_channel.h, EVTCHNOP_init_control",
    .requirements = {"EVTCHN-FIFO-005"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort before = ours.bind_ipi(0).port;
          FifoQueues queues(c.vcpu());
          const auto got = ours.init_control(c.guest().gfn_of(c.guest().alloc_pages(1)), 0, 1);
          c.check_eq(got.result, 0, "registering the block of vCPU 1 first");
          c.check_eq(got.arg.link_bits, EVTCHN_FIFO_LINK_BITS, "link_bits");
          c.require_eq(queues.init_control(0), 0, "then that of vCPU 0");
          c.require_eq(queues.expand_array(), 0, "event words");
          const EvtchnPort after = ours.bind_ipi(0).port;
          for (const EvtchnPort port : {before, after}) {
            c.check_eq(ours.send(port), 0, "sending");
            c.check(queues.pending(port), "pending in the port's word");
            c.check(!info.pending(port), "not pending in shared_info");
          }
          c.check_eq(info.selector(0), 0, "selector");
        },
}};

const Case kContents{{
    .slug = "evtchn.init_control.contents.left_alone",
    .rule = "Registering memory writes nothing to it: what it holds is the guest's business.",
    .source = "public/event_channel.h, EVTCHNOP_init_control",
    .requirements = {"EVTCHN-FIFO-005", "EVTCHN-FIFO-009"},
    .body =
        [](CaseContext& c) {
          FifoQueues queues(c.vcpu());
          const Gva pages = c.guest().alloc_pages(2);
          c.require(!c.vcpu().fill(pages, kPageSize, kUntouchedByte).has_value(), "set-up: filling the control page");
          c.require(!c.vcpu().fill(pages + kPageSize, kPageSize, 0x40).has_value(), "set-up: filling the words");
          c.require_eq(queues.init_control_at(0, pages, 8), 0, "registering the control block");
          c.require_eq(queues.expand_array_with(pages + kPageSize), 0, "adding the words");
          for (uint64_t offset = 0; offset < 96; offset += 4) {
            c.check_eq(c.vcpu().read<uint32_t>(pages + offset), kUntouched32,
                       "control page at " + std::to_string(offset));
          }
          for (const uint32_t port : {0u, 1u, 63u, 64u, kFifoWordsPerPage - 1}) {
            c.check_eq(queues.word(EvtchnPort{port}), 0x4040'4040u, "word " + std::to_string(port));
          }
        },
}};

const Case kKept{{
    .slug = "evtchn.init_control.pending_ports.kept_until_words",
    .rule = "Ports keep their event over the switch: it is announced, at priority 7, when the port's word is added.",
    .source = "public/event_channel.h, EVTCHNOP_init_control",
    .method = "One port pending, one pending behind its 2-level mask, which means nothing any more, and one without an "
              "event.",
    .requirements = {"EVTCHN-FIFO-006", "EVTCHN-FIFO-007"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          const EvtchnPort first = ours.bind_ipi(0).port;
          const EvtchnPort quiet = ours.bind_ipi(0).port;
          const EvtchnPort masked = ours.bind_ipi(0).port;
          info.mask(masked);
          for (const EvtchnPort port : {first, masked}) c.require_eq(ours.send(port), 0, "set-up: sending");
          info.acknowledge(quiet, 0);  // the flags of the vCPU
          info.set_pending(first);
          FifoQueues queues(c.vcpu());
          c.require_eq(queues.init_control(0), 0, "control block");
          c.check_eq(queues.ready(0), 0u, "ready before there are words");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending before there are words");
          c.require_eq(queues.expand_array(), 0, "event words");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending with the words");
          c.check_eq(queues.ready(0), 1u << kFifoDefault, "ready bits");
          c.check(queues.drain(0) == std::vector<uint32_t>{first.raw(), masked.raw()},
                  "both, in the order of their numbers");
          c.check_eq(queues.word(quiet), 0u, "the word of the port without an event");
        },
}};

const Case kRemembered{{
    .slug = "evtchn.fifo.no_word.remembered",
    .rule = "An event for a port that has no word yet is not lost: it is announced when the word is added.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-007", "EVTCHN-FIFO-021"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          SharedInfo info(c.vcpu());
          SchedOps sched(c.vcpu());
          FifoQueues queues(c.vcpu());
          c.require_eq(queues.init_control(0), 0, "control block");
          const EvtchnPort port = ours.bind_ipi(0).port;
          const EvtchnPort quiet = ours.bind_ipi(0).port;
          c.check_eq(ours.send(port), 0, "sending");
          c.check_eq(ours.unmask(port), 0, "unmasking");
          c.check_eq(queues.ready(0), 0u, "ready before there are words");
          c.check_eq(info.upcall_pending(0), 0, "upcall pending before there are words");
          c.check_eq(sched.poll({port}, 1), 0, "polling the port until a time that has passed");
          c.require_eq(queues.expand_array(), 0, "event words");
          c.check_eq(queues.word(port), kWordQueued, "the port's word");
          c.check_eq(queues.head(0, kFifoDefault), port, "head");
          c.check_eq(info.upcall_pending(0), 1, "upcall pending");
          c.check_eq(queues.word(quiet), 0u, "the word of a port without an event");
        },
}};

const Case kTwoLevelExpand{{
    .slug = "evtchn.expand_array.two_level.eopnotsupp",
    .rule = "A domain with the 2-level ABI has no event words to add: EOPNOTSUPP.",
    .source = "public/event_channel.h, EVTCHNOP_expand_array",
    .requirements = {"EVTCHN-FIFO-008"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const Gva page = c.guest().alloc_pages(1);
          c.check_eq(ours.expand_array(c.guest().gfn_of(page)), -XEN_EOPNOTSUPP, "a good frame");
          c.check_eq(ours.expand_array(Gfn{~uint64_t{0}}), -XEN_EOPNOTSUPP, "no frame");
          check_two_level(c, ours);
        },
}};

const Case kPages{{
    .slug = "evtchn.expand_array.pages.in_port_order",
    .rule = "Each page adds the words of the next 1024 ports; there are 128 of them, and the 129th gives ENOSPC.",
    .source = "public/event_channel.h, EVTCHNOP_expand_array",
    .method = "From the third on it is one and the same page: the ABI does not mind.",
    .requirements = {"EVTCHN-FIFO-009"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          const Allocated got = allocate_ports(c.vcpu(), kFifoWordsPerPage - 2);
          c.require_eq(got.ports, kFifoWordsPerPage - 2, "set-up: all but one port of the first page");
          const EvtchnPort last = ours.bind_ipi(0).port;
          const EvtchnPort next = ours.bind_ipi(0).port;
          c.require_eq(next.raw(), kFifoWordsPerPage, "set-up: the first port behind the page");
          c.require_eq(ours.send(last), 0, "set-up: sending on the page's last port");
          c.require_eq(ours.send(next), 0, "set-up: sending on the one behind");
          c.check_eq(queues.word(last), kWordQueued, "the page's last word");
          const Gva page = c.guest().alloc_pages(1);
          c.require_eq(queues.expand_array_with(page), 0, "the second page");
          c.check_eq(c.vcpu().read<event_word_t>(page), kWordQueued, "its first word");
          c.check_eq(queues.word(last), kWordQueued | next.raw(), "linked from the first page");
          const GuestStruct<evtchn_expand_array_t> argument(c.vcpu(), {c.guest().gfn_of(page).raw()});
          Multicall batch(c.vcpu());
          for (uint32_t i = 0; i < 63; ++i) {
            batch.add(__HYPERVISOR_event_channel_op, {uint64_t{EVTCHNOP_expand_array}, argument.va().raw()});
          }
          uint32_t refused = 0;
          for (int half = 0; half < 2; ++half) {
            c.require_eq(batch.call(), 0, "multicall of 63 pages");
            for (uint32_t i = 0; i < batch.count(); ++i) refused += batch.result(i) != 0 ? 1u : 0u;
          }
          c.check_eq(refused, 0u, "pages 3 to 128 that were refused");
          c.check_eq(ours.expand_array(c.guest().gfn_of(page)), -XEN_ENOSPC, "page 129");
          c.check_eq(ours.expand_array(Gfn{~uint64_t{0}}), -XEN_ENOSPC, "page 129, which is none");
        },
}};

const Case kCapped{{
    .slug = "evtchn.fifo.port_limit.domain_cap",
    .rule = "With the FIFO ABI a domain has more than 4095 ports, up to its own limit.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-010"},
    .max_evtchn_port = 4100,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          c.require_eq(exhaust_ports(c.vcpu()).ports, 4095u, "ports with the 2-level ABI");
          FifoQueues queues = start_fifo(c, c.vcpu());
          const Allocated more = exhaust_ports(c.vcpu());
          c.check_eq(more.ports, 5u, "further ports with the FIFO ABI");
          c.check_eq(more.refusal, -XEN_ENOSPC, "then");
          c.check_eq(ours.status(EvtchnPort{4100}).arg.status, uint32_t{EVTCHNSTAT_unbound}, "status of port 4100");
        },
}};

const Case kBadPointer{{
    .slug = "evtchn.fifo.bad_pointer.efault",
    .rule = "The FIFO operations give EFAULT for an argument that cannot be read, whatever the ABI in use.",
    .source = "public/event_channel.h, FIFO ABI",
    .requirements = {"EVTCHN-FIFO-005"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const auto check_all = [&] {
            for (const BadPointer& bad : bad_pointers(c.guest_type())) {
              for (const uint64_t command : kFifoOperations) {
                c.check_eq(ours.raw(command, bad.va), -XEN_EFAULT, bad.what);
              }
            }
          };
          check_all();
          FifoQueues queues = start_fifo(c, c.vcpu());
          check_all();
          c.check_eq(queues.init_control(1), 0, "the second vCPU has no block yet");
        },
}};

const Case kReset{{
    .slug = "evtchn.reset.fifo.two_level_again",
    .rule = "A reset takes a FIFO domain back to the 2-level ABI; it can register control blocks anew.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu(), 2);
          const EvtchnPort port = ours.bind_ipi(0).port;
          c.require_eq(ours.send(port), 0, "set-up: an event in a queue");
          const event_word_t before = queues.word(port);
          c.check_eq(ours.reset(), 0, "reset");
          c.check_eq(queues.word(port), before & ~kWordPending, "the word: closed, and then left alone");
          SharedInfo(c.vcpu()).acknowledge(port, 0);
          check_two_level(c, ours);
          c.check_eq(queues.word(port), before & ~kWordPending, "the word after an event of the 2-level ABI");
          FifoQueues again = start_fifo(c, c.vcpu(), 2);
          c.require_eq(ours.bind_ipi(0).port, port, "the same port");
          c.require_eq(ours.send(port), 0, "sending on it");
          c.check_eq(again.word(port), kWordQueued, "its word in the new array");
          c.check_eq(again.head(0, kFifoDefault), port, "head in the new block");
        },
}};

const Case kResetPorts{{
    .slug = "evtchn.reset.fifo.high_ports.stay_closed",
    .rule = "After a reset the ports above 4095 still exist, closed; the 2-level limit holds again.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-002", "EVTCHN-STATUS-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu());
          c.require_eq(allocate_ports(c.vcpu(), 4200).ports, 4200u, "set-up: ports");
          c.require_eq(ours.reset(), 0, "reset");
          check_closed(c, ours, EvtchnPort{4100}, "a port above the limit");
          c.check_eq(ours.status(EvtchnPort{4300}).result, -XEN_EINVAL, "a port that never was");
          c.check_eq(ours.send(EvtchnPort{4100}), -XEN_EINVAL, "sending on the closed one");
          c.check_eq(ours.unmask(EvtchnPort{4100}), 0, "unmasking the closed one");
          const Allocated all = exhaust_ports(c.vcpu());
          c.check_eq(all.ports, 4095u, "ports");
          c.check_eq(all.refusal, -XEN_ENOSPC, "then");
        },
}};

const Case kFramesLetGo{{
    .slug = "evtchn.reset.fifo.frames_let_go",
    .rule =
        "A reset lets go of control blocks and event words: nothing of the domain stays behind when it is destroyed.",
    .source = "public/event_channel.h, EVTCHNOP_reset",
    .requirements = {"EVTCHN-RESET-002"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          FifoQueues queues = start_fifo(c, c.vcpu(), 2);
          c.require_eq(ours.reset(), 0, "reset");
          const DomId id = c.guest().id();
          c.target().destroy_guest(c.guest());
          DomctlOps control(c.dom0().vcpu(0));
          c.check_eq(control.pause(id), -XEN_ESRCH, "the id is gone");
        },
}};

}  // namespace
}  // namespace assay
