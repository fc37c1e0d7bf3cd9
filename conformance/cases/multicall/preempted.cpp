/// multicall: an entry that is preempted in the middle of its work.
#include "conformance/case.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/multicall.hpp"
#include "conformance/guest/port_checks.hpp"
#include "conformance/guest/shared_info.hpp"

namespace assay {
namespace {

constexpr uint32_t kRounds = 40;
constexpr uint32_t kPorts = 300;

const Case kPreemptedEntry{{
    .slug = "multicall.entry_preempted.one_result",
    .rule =
        "An entry that is preempted is rewritten to resume, and goes on when the batch does: it has one result, and "
        "the entries around it run once.",
    .source = "public/xen.h, multicall_entry",
    .method = "A reset of 300 ports between two entries; an event from the other vCPU asks it to stop midway.",
    .requirements = {"MULTI-008"},
    .needs = {Capability::kSteer},
    .vcpus_online = 2,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu(0));
          const GuestStruct<evtchn_reset_t> reset(c.vcpu(0), {DOMID_SELF});
          const GuestStruct<evtchn_alloc_unbound_t> alloc(c.vcpu(0), {DOMID_SELF, DOMID_SELF, 0});
          EventChannels theirs(c.vcpu(1));
          SharedInfo bits(c.vcpu(0));
          c.vcpu(0).set_upcalls(true);
          bool preempted = false;
          c.interleave(kRounds, [&] {
            c.require_eq(allocate_ports(c.vcpu(0), kPorts).ports, kPorts, "set-up: ports");
            const EvtchnPort last = ours.bind_ipi(0).port;
            Multicall batch(c.vcpu(0));
            batch.add(__HYPERVISOR_xen_version, {XENVER_pagesize, 0});
            batch.add(__HYPERVISOR_event_channel_op, {EVTCHNOP_reset, reset.va().raw()});
            batch.add(__HYPERVISOR_event_channel_op, {EVTCHNOP_alloc_unbound, alloc.va().raw()});
            const int64_t done = c.during(c.vcpu(0), __HYPERVISOR_multicall, {batch.list().raw(), batch.count()},
                                          [&] { theirs.send(last); });
            c.check_eq(done, 0, "multicall");
            c.check_eq(batch.result(0), 4096, "the entry before it");
            c.check_eq(batch.result(1), 0, "the entry that may be preempted");
            c.check_eq(batch.result(2), 0, "the entry behind it");
            check_lowest_free(c, ours, EvtchnPort{2}, "the reset is complete, and the entry behind it ran once");
            preempted = preempted || batch.entry(1).args[0] != EVTCHNOP_reset;
            bits.acknowledge(last, 0);  // or the next round's event would raise no upcall
            c.require_eq(ours.reset(), 0, "every port closed");
          });
          if (!preempted && c.target().has(Capability::kSteer)) c.inconclusive("the entry was never preempted");
        },
}};

}  // namespace
}  // namespace assay
