#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/errno.hpp"
#include "conformance/guest/event_channels.hpp"
#include "conformance/guest/port_checks.hpp"

namespace assay {
namespace {

const Case kLowestPort{{
    .slug = "evtchn.alloc_unbound.fresh_guest.lowest_port",
    .rule = "The lowest free port is handed out, never 0; it is unbound and reserved for the remote domain.",
    .source = "public/event_channel.h, EVTCHNOP_alloc_unbound",
    .requirements = {"EVTCHN-ALLOC-001", "EVTCHN-ALLOC-002"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (uint32_t port = 1; port <= 3; ++port) {
            const PortResult got = ours.alloc_unbound(DomId{0});
            c.require_eq(got.result, 0, "allocating");
            c.check_eq(got.port, EvtchnPort{port}, "port");
            check_unbound(c, ours, got.port, DomId{0}, "status of the new port");
          }
        },
}};

const Case kFreedPort{{
    .slug = "evtchn.alloc_unbound.freed_port.reused",
    .rule = "A closed port is free again, and is handed out before any higher one.",
    .source = "public/event_channel.h, EVTCHNOP_alloc_unbound",
    .requirements = {"EVTCHN-ALLOC-002", "EVTCHN-CLOSE-006"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (uint32_t i = 0; i < 4; ++i) c.require_eq(ours.alloc_unbound(kDomSelf).result, 0, "set-up");
          c.require_eq(ours.close(EvtchnPort{3}), 0, "closing port 3");
          c.require_eq(ours.close(EvtchnPort{2}), 0, "closing port 2");
          c.check_eq(ours.alloc_unbound(kDomSelf).port, EvtchnPort{2}, "first port after closing 3 and 2");
          c.check_eq(ours.alloc_unbound(kDomSelf).port, EvtchnPort{3}, "second port");
          c.check_eq(ours.alloc_unbound(kDomSelf).port, EvtchnPort{5}, "third port, 4 being in use");
        },
}};

const Case kOwnId{{
    .slug = "evtchn.alloc_unbound.own_id.same_as_self",
    .rule = "The caller may name itself by DOMID_SELF or by its id, in dom and in remote_dom; its id is recorded.",
    .source = "public/event_channel.h, EVTCHNOP_alloc_unbound",
    .requirements = {"EVTCHN-ALLOC-003"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const DomId self = c.guest().id();
          for (const DomId dom : {kDomSelf, self}) {
            for (const DomId remote : {kDomSelf, self}) {
              const PortResult got = ours.alloc_unbound(remote, dom);
              c.require_eq(got.result, 0, "allocating");
              check_unbound(c, ours, got.port, self, "the recorded remote domain");
            }
          }
        },
}};

const Case kAbsentDom{{
    .slug = "evtchn.alloc_unbound.absent_dom.esrch",
    .rule = "No such domain in dom: ESRCH, nothing is copied back and no port is taken.",
    .source = "public/event_channel.h, EVTCHNOP_alloc_unbound",
    .requirements = {"EVTCHN-ALLOC-004", "EVTCHN-ALLOC-009"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const DomId dom : {kDomAbsent, kDomInvalid, kDomXen, kDomIo}) {
            const PortResult got = ours.alloc_unbound(kDomSelf, dom);
            c.check_eq(got.result, -XEN_ESRCH, "allocating in an absent domain");
            c.check_eq(got.port, kNoPort, "port field after the error");
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
        },
}};

const Case kAbsentRemote{{
    .slug = "evtchn.alloc_unbound.absent_remote.accepted",
    .rule = "remote_dom is not looked up: a port may wait for a domain that does not exist.",
    .source = "public/event_channel.h, EVTCHNOP_alloc_unbound",
    .requirements = {"EVTCHN-ALLOC-005"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const DomId remote : {kDomAbsent, kDomInvalid}) {
            const PortResult got = ours.alloc_unbound(remote);
            c.require_eq(got.result, 0, "allocating for an absent domain");
            check_unbound(c, ours, got.port, remote, "the recorded remote domain");
          }
        },
}};

const Case kForeignDom{{
    .slug = "evtchn.alloc_unbound.foreign_dom.eperm",
    .rule = "A guest may not allocate in another domain: EPERM, and the other domain loses no port.",
    .source = "public/event_channel.h, EVTCHNOP_alloc_unbound",
    .requirements = {"EVTCHN-ALLOC-006", "EVTCHN-ALLOC-009"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          const PortResult got = ours.alloc_unbound(kDomSelf, c.peer().id());
          c.check_eq(got.result, -XEN_EPERM, "allocating in the peer");
          c.check_eq(got.port, kNoPort, "port field after the error");
          c.check_eq(ours.alloc_unbound(kDomSelf, DomId{0}).result, -XEN_EPERM, "allocating in domain 0");
          check_lowest_free(c, theirs, kFirstPort, "the peer's lowest free port");
          check_lowest_free(c, ours, kFirstPort, "our lowest free port");
        },
}};

const Case kDom0ForGuest{{
    .slug = "evtchn.alloc_unbound.dom0_in_guest.remote_self_is_caller",
    .rule = "The privileged domain may allocate in a guest, and DOMID_SELF in remote_dom means the caller, not dom.",
    .source = "public/event_channel.h, EVTCHNOP_alloc_unbound",
    .method = "dom0 allocates in the guest for itself, and then binds what it got.",
    .requirements = {"EVTCHN-ALLOC-003", "EVTCHN-ALLOC-006"},
    .needs = {Capability::kDom0},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels dom0(c.dom0().vcpu(0));
          const PortResult got = dom0.alloc_unbound(kDomSelf, c.guest().id());
          c.require_eq(got.result, 0, "dom0 allocates in the guest");
          c.check_eq(got.port, kFirstPort, "the guest's port");
          check_unbound(c, ours, got.port, c.dom0().id(), "as the guest sees it");
          const PortResult bound = dom0.bind_interdomain(c.guest().id(), got.port);
          c.check_eq(bound.result, 0, "dom0 binds it");
          c.check_eq(dom0.close(bound.port), 0, "dom0 closes its end");
        },
}};

const Case kAbiLimit{{
    .slug = "evtchn.alloc_unbound.abi_limit.enospc",
    .rule = "With 2-level event channels a 64-bit guest has ports 1 to 4095; when all are in use: ENOSPC.",
    .source = "public/event_channel.h, EVTCHN_2L_NR_CHANNELS",
    .method = "Allocates all, is refused, closes one in the middle and gets exactly that one.",
    .requirements = {"EVTCHN-ALLOC-007", "EVTCHN-2L-001"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          const Allocated all = exhaust_ports(c.vcpu());
          c.check_eq(all.ports, uint32_t{EVTCHN_2L_NR_CHANNELS} - 1, "ports handed out");
          c.check_eq(all.refusal, -XEN_ENOSPC, "one more");
          c.require_eq(ours.close(EvtchnPort{2000}), 0, "closing port 2000");
          c.check_eq(ours.alloc_unbound(kDomSelf).port, EvtchnPort{2000}, "port after the close");
          c.check_eq(ours.bind_ipi(0).result, -XEN_ENOSPC, "an IPI port when all are in use");
        },
}};

const Case kDomainLimit{{
    .slug = "evtchn.alloc_unbound.domain_limit.enospc",
    .rule = "The domain's own limit is inclusive: the port of that number is handed out, then ENOSPC.",
    .source = "public/domctl.h, XEN_DOMCTL_createdomain, max_evtchn_port",
    .requirements = {"EVTCHN-ALLOC-007"},
    .max_evtchn_port = 5,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (uint32_t port = 1; port <= 5; ++port) {
            c.check_eq(ours.alloc_unbound(kDomSelf).port, EvtchnPort{port}, "port within the limit");
          }
          c.check_eq(ours.alloc_unbound(kDomSelf).result, -XEN_ENOSPC, "port past the limit");
          c.check_eq(ours.bind_virq(VIRQ_DEBUG, 0).result, -XEN_ENOSPC, "a virq port past the limit");
          c.require_eq(ours.close(EvtchnPort{4}), 0, "closing port 4");
          c.check_eq(ours.alloc_unbound(kDomSelf).port, EvtchnPort{4}, "port after the close");
        },
}};

const Case kFullForeignDom{{
    .slug = "evtchn.alloc_unbound.full_foreign_dom.enospc_before_eperm",
    .rule = "Whether dom has a free port is looked at before whether the caller may have it.",
    .source = "xen/common/event_channel.c, evtchn_alloc_unbound",
    .method = "The peer fills up: ENOSPC. It closes one port: EPERM, and that port stays free.",
    .requirements = {"EVTCHN-ALLOC-008", "EVTCHN-ALLOC-006", "EVTCHN-ALLOC-009"},
    .needs = {Capability::kTwoGuests},
    .max_evtchn_port = 4,
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          EventChannels theirs(c.peer().vcpu(0));
          c.require_eq(exhaust_ports(c.peer().vcpu(0)).refusal, -XEN_ENOSPC, "set-up: the peer is full");
          c.check_eq(ours.alloc_unbound(kDomSelf, c.peer().id()).result, -XEN_ENOSPC, "in the full peer");
          c.require_eq(theirs.close(EvtchnPort{3}), 0, "the peer closes port 3");
          c.check_eq(ours.alloc_unbound(kDomSelf, c.peer().id()).result, -XEN_EPERM, "in the peer with one port free");
          check_lowest_free(c, theirs, EvtchnPort{3}, "the peer's free port");
        },
}};

const Case kBadPointer{{
    .slug = "evtchn.alloc_unbound.bad_pointer.efault",
    .rule = "An argument that cannot be read gives EFAULT and takes no port.",
    .source = "public/event_channel.h, EVTCHNOP_alloc_unbound",
    .requirements = {"HCALL-020", "EVTCHN-ALLOC-009"},
    .body =
        [](CaseContext& c) {
          EventChannels ours(c.vcpu());
          for (const BadPointer& bad : bad_pointers(c.guest_type())) {
            c.check_eq(ours.raw(EVTCHNOP_alloc_unbound, bad.va), -XEN_EFAULT, bad.what);
          }
          check_lowest_free(c, ours, kFirstPort, "lowest free port afterwards");
        },
}};

}  // namespace
}  // namespace assay
