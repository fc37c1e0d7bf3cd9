/// multicall: order, independence of the entries, and what faults do.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/multicall.hpp"

namespace assay {
namespace {

const Case kInOrder{{
    .slug = "multicall.order.array_order",
    .rule = "Entries execute strictly in array order, each result in its own entry.",
    .source = "public/xen.h, multicall_entry",
    .method = "Three allocations of a port: the lowest free one is handed out, so results show the order.",
    .requirements = {"MULTI-001"},
    .body =
        [](CaseContext& c) {
          Scratch args(c.vcpu());
          Multicall batch(c.vcpu());
          constexpr uint64_t kStride = sizeof(evtchn_alloc_unbound_t);
          for (uint64_t i = 0; i < 3; ++i) {
            const Gva at = args.put(evtchn_alloc_unbound_t{DOMID_SELF, DOMID_SELF, 0}, i * kStride);
            batch.add(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, at.raw()});
          }
          c.check_eq(batch.call(), 0, "multicall");
          for (uint32_t i = 0; i < 3; ++i) {
            c.check_eq(batch.result(i), 0, "entry " + std::to_string(i));
            c.check_eq(args.get<evtchn_alloc_unbound_t>(i * kStride).port, i + 1, "port of entry " + std::to_string(i));
          }
        },
}};

const Case kFailureDoesNotAbort{{
    .slug = "multicall.failing_entry.others_run",
    .rule = "A failing entry does not abort the batch, and the multicall itself returns 0.",
    .source = "public/xen.h, multicall_entry",
    .requirements = {"MULTI-002"},
    .body =
        [](CaseContext& c) {
          Multicall batch(c.vcpu());
          batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 1});
          batch.add(__HYPERVISOR_xen_version, {XENVER_extraversion, bad_pointer(c.guest_type()).raw()});
          batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          c.check_eq(batch.call(), 0, "multicall");
          c.check_eq(batch.result(0), 4096, "entry before the failures");
          c.check_eq(batch.result(1), -XEN_EINVAL, "entry with a bad argument");
          c.check_eq(batch.result(2), -XEN_EFAULT, "entry with a bad pointer");
          c.check_eq(batch.result(3), 4096, "entry behind the failures");
        },
}};

const Case kUnknownEntry{{
    .slug = "multicall.unknown_entry.enosys",
    .rule = "An entry whose operation is unknown gets ENOSYS as its result.",
    .source = "public/xen.h, multicall_entry",
    .requirements = {"MULTI-003"},
    .body =
        [](CaseContext& c) {
          Multicall batch(c.vcpu());
          batch.add(11);
          batch.add(63);
          batch.add(uint64_t{1} << 31);
          batch.add(~uint64_t{0});
          batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          c.check_eq(batch.call(), 0, "multicall");
          for (uint32_t i = 0; i < 4; ++i) c.check_eq(batch.result(i), -XEN_ENOSYS, "entry " + std::to_string(i));
          c.check_eq(batch.result(4), 4096, "known entry behind them");
        },
}};

const Case kNested{{
    .slug = "multicall.nested.einval",
    .rule = "A multicall inside a multicall gets EINVAL as its entry's result; the outer batch goes on.",
    .source = "public/xen.h, multicall_entry",
    .method = "The inner list would allocate a port: afterwards port 1 is still free.",
    .requirements = {"MULTI-004"},
    .body =
        [](CaseContext& c) {
          Scratch args(c.vcpu());
          const Gva alloc = args.put(evtchn_alloc_unbound_t{DOMID_SELF, DOMID_SELF, 0});
          Multicall inner(c.vcpu());
          inner.add(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, alloc.raw()});
          Multicall outer(c.vcpu());
          outer.add(__HYPERVISOR_multicall, {inner.list().raw(), 1});
          outer.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          c.check_eq(outer.call(), 0, "outer multicall");
          c.check_eq(outer.result(0), -XEN_EINVAL, "nested multicall");
          c.check_eq(outer.result(1), 4096, "entry behind it");
          EventChannels channels(c.vcpu());
          c.check_eq(channels.alloc_unbound(kDomSelf).port, EvtchnPort{1}, "the inner list did not run");
        },
}};

const Case kEmpty{{
    .slug = "multicall.no_entries.zero",
    .rule = "A multicall of no entries returns 0, without touching the list.",
    .source = "public/xen.h, multicall_entry",
    .requirements = {"MULTI-005"},
    .body =
        [](CaseContext& c) {
          Multicall batch(c.vcpu());
          batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          c.check_eq(batch.call(0), 0, "no entries of a good list");
          c.check_eq(batch.result(0), static_cast<int64_t>(kUntouched64), "the list was left alone");
          c.check_eq(batch.raw(Gva{0x0000'7000'0000'0000}, 0), 0, "no entries of an unmapped list");
        },
}};

const Case kBadRange{{
    .slug = "multicall.list_in_hypervisor_range.efault",
    .rule = "A list that is no guest range at all gives EFAULT before any entry runs.",
    .source = "public/arch-x86/xen-x86_64.h, reserved virtual range",
    .requirements = {"MULTI-006"},
    .guests = GuestTypes::kPv64,
    .body =
        [](CaseContext& c) {
          Multicall batch(c.vcpu());
          c.check_eq(batch.raw(Gva{0xffff'8300'0000'0000}, 1), -XEN_EFAULT, "list in the hypervisor's range");
        },
}};

const Case kUnmappedList{{
    .slug = "multicall.list_unmapped.efault",
    .rule = "A list that cannot be read gives EFAULT.",
    .source = "public/xen.h, multicall_entry",
    .requirements = {"MULTI-007"},
    .body =
        [](CaseContext& c) {
          Multicall batch(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(batch.raw(bad.va, 1), -XEN_EFAULT, bad.what);
          }
        },
}};

const Case kFaultMidway{{
    .slug = "multicall.list_runs_into_bad_page.efault",
    .rule = "A list that faults midway gives EFAULT; effects and results of earlier entries persist.",
    .source = "public/xen.h, multicall_entry",
    .method = "Two entries fit before the end of the guest's memory; the third lies behind it.",
    .requirements = {"MULTI-007"},
    .body =
        [](CaseContext& c) {
          const auto& space = c.guest().space();
          const Gva end{space.va_offset + space.pages * kPageSize};
          const Gva list{end.raw() - 2 * sizeof(multicall_entry_t)};
          Scratch args(c.vcpu());
          const Gva alloc = args.put(evtchn_alloc_unbound_t{DOMID_SELF, DOMID_SELF, 0});
          multicall_entry_t entry{};
          entry.op = __HYPERVISOR_event_channel_op;
          entry.args[0] = EVTCHNOP_alloc_unbound;
          entry.args[1] = alloc.raw();
          entry.result = kUntouched64;
          c.vcpu().write(list, entry);
          c.vcpu().write(list + sizeof entry, entry);
          Multicall batch(c.vcpu());
          c.check_eq(batch.raw(list, 3), -XEN_EFAULT, "multicall");
          c.check_eq(c.vcpu().read<multicall_entry_t>(list).result, 0u, "result of the first entry");
          c.check_eq(c.vcpu().read<multicall_entry_t>(list + sizeof entry).result, 0u, "result of the second entry");
          EventChannels channels(c.vcpu());
          c.check_eq(channels.alloc_unbound(kDomSelf).port, EvtchnPort{3}, "both earlier entries took effect");
        },
}};

const Case kManyEntries{{
    .slug = "multicall.many_entries.each_once",
    .rule = "A long batch may be preempted and resumed; every entry runs exactly once.",
    .source = "public/xen.h, multicall_entry",
    .method = "As many sends as fit a page, interleaved with allocations: the next free port counts them.",
    .requirements = {"MULTI-009"},
    .body =
        [](CaseContext& c) {
          Scratch args(c.vcpu());
          const Gva alloc = args.put(evtchn_alloc_unbound_t{DOMID_SELF, DOMID_SELF, 0});
          Multicall batch(c.vcpu());
          for (uint64_t i = 0; i < Multicall::kEntriesMax; ++i) {
            batch.add(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, alloc.raw()});
          }
          c.check_eq(batch.call(), 0, "multicall");
          c.check_eq(args.get<evtchn_alloc_unbound_t>().port, Multicall::kEntriesMax, "port of the last entry");
          EventChannels channels(c.vcpu());
          c.check_eq(channels.alloc_unbound(kDomSelf).port.raw(), Multicall::kEntriesMax + 1, "next free port");
        },
}};

const Case kStateCleared{{
    .slug = "multicall.after_failure.plain_calls_work",
    .rule = "The state of being in a multicall is gone on every way out: later hypercalls use registers again.",
    .source = "public/xen.h, multicall_entry",
    .method = "After a batch that faulted, a second multicall is not taken for a nested one.",
    .requirements = {"MULTI-013"},
    .body =
        [](CaseContext& c) {
          Multicall batch(c.vcpu());
          c.check_eq(batch.raw(bad_pointer(c.guest_type()), 1), -XEN_EFAULT, "faulting multicall");
          batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          c.check_eq(batch.call(), 0, "multicall afterwards");
          c.check_eq(batch.result(0), 4096, "its entry");
        },
}};

const Case kResumedBetween{{
    .slug = "multicall.preempted_between_entries.each_once",
    .rule = "A batch that lets an upcall through between two entries goes on with the second: none runs twice.",
    .source = "public/xen.h, multicall_entry",
    .method =
        "Binding a channel raises an event at once, so the batch stops behind it; a second bind would be refused.",
    .requirements = {"MULTI-009"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const PortResult open = ours.alloc_unbound(kDomSelf);
          c.require_eq(open.result, 0, "a port");
          const GuestStruct<evtchn_bind_interdomain_t> bind(c.vcpu(), {DOMID_SELF, open.port.raw(), 0});
          Multicall batch(c.vcpu());
          batch.add(__HYPERVISOR_event_channel_op, {EVTCHNOP_bind_interdomain, bind.va().raw()});
          for (int i = 0; i < 3; ++i) batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
          const uint64_t before = c.vcpu().upcalls().count;
          c.vcpu().set_upcalls(true);
          c.check_eq(batch.call(), 0, "multicall");
          c.check_eq(c.vcpu().upcalls().count, before + 1, "one upcall");
          c.vcpu().set_upcalls(false);
          c.check_eq(batch.result(0), 0, "the bind");
          c.check_eq(batch.result(3), 4096, "the last entry");
        },
}};

}  // namespace
}  // namespace assay
