/// sysctl as the toolstack uses it.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"

namespace assay {
namespace {

const Case kVersionFirst{{
    .slug = "sysctl.access.interface_version.eacces",
    .rule = "Another interface version gives EACCES, before the caller's rights are looked at.",
    .source = "public/sysctl.h, XEN_SYSCTL_INTERFACE_VERSION",
    .requirements = {"SYSC-001"},
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.vcpu());
          xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_sched_id);
          c.check_eq(control.call(request).result, -XEN_EPERM, "right version, unprivileged");
          request.interface_version = XEN_SYSCTL_INTERFACE_VERSION - 1;
          c.check_eq(control.call(request).result, -XEN_EACCES, "wrong version, unprivileged");
          c.check_eq(control.raw(bad_pointer(c.guest_type())), -XEN_EFAULT, "bad pointer");
        },
}};

const Case kUnknown{{
    .slug = "sysctl.unknown_command.enosys",
    .rule = "An unknown sysctl gives ENOSYS.",
    .source = "public/sysctl.h",
    .requirements = {"SYSC-014"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.dom0().vcpu(0));
          for (const uint32_t command : {0u, 999u, 0x7fffffffu}) {
            c.check_eq(control.call(SysctlOps::request(command)).result, -XEN_ENOSYS,
                       "command " + std::to_string(command));
          }
        },
}};

const Case kPhysinfo{{
    .slug = "sysctl.physinfo.consistent",
    .rule = "physinfo reports pCPUs, nodes and memory that fit together.",
    .source = "public/sysctl.h, XEN_SYSCTL_physinfo",
    .requirements = {"SYSC-002"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.dom0().vcpu(0));
          const auto called = control.call(SysctlOps::request(XEN_SYSCTL_physinfo));
          c.require_eq(called.result, 0, "physinfo");
          const auto& info = called.arg.u.physinfo;
          c.check(info.nr_cpus >= 1, "there is a pCPU");
          c.check(info.max_cpu_id + 1 >= info.nr_cpus, "the highest id covers the count");
          c.check(info.nr_nodes >= 1, "there is a node");
          c.check(info.free_pages > 0 && info.free_pages < info.total_pages, "some memory is free, some used");
          c.check((info.capabilities & XEN_SYSCTL_PHYSCAP_pv) != 0, "PV guests can run");
        },
}};

const Case kFreePagesFollow{{
    .slug = "sysctl.physinfo.guest_created.free_pages_fall",
    .rule = "Memory given to a new domain leaves the free pages.",
    .source = "public/sysctl.h, XEN_SYSCTL_physinfo",
    .method =
        "Counted around the second of two guests. What an earlier domain left may still be on its way back to the "
        "free pages, so a few may appear meanwhile.",
    .requirements = {"SYSC-002"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          constexpr uint64_t kOnTheirWayBack = 128;
          SysctlOps control(c.dom0().vcpu(0));
          const auto free_pages = [&control] {
            return control.call(SysctlOps::request(XEN_SYSCTL_physinfo)).arg.u.physinfo.free_pages;
          };
          c.guest();
          const uint64_t before = free_pages();
          const uint64_t pages = c.peer().space().pages;
          const uint64_t after = free_pages();
          c.note("free pages before " + std::to_string(before) + ", after " + std::to_string(after));
          c.check(after + pages <= before + kOnTheirWayBack, "free pages fell by what the guest got");
        },
}};

const Case kSchedId{{
    .slug = "sysctl.sched_id.known_scheduler",
    .rule = "sched_id names the default scheduler by one of the public numbers.",
    .source = "public/domctl.h, XEN_SCHEDULER_*",
    .requirements = {"SYSC-003"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.dom0().vcpu(0));
          const auto called = control.call(SysctlOps::request(XEN_SYSCTL_sched_id));
          c.require_eq(called.result, 0, "sched_id");
          const uint32_t id = called.arg.u.sched_id.sched_id;
          c.check(id >= XEN_SCHEDULER_CREDIT && id <= XEN_SCHEDULER_NULL, "a scheduler of the public header");
        },
}};

const Case kDomainList{{
    .slug = "sysctl.getdomaininfolist.ascending",
    .rule = "getdomaininfolist fills records from the first id asked for, in ascending order, and reports how many.",
    .source = "public/sysctl.h, XEN_SYSCTL_getdomaininfolist",
    .requirements = {"SYSC-004"},
    .needs = {Capability::kTwoGuests},
    .body =
        [](CaseContext& c) {
          c.guest();
          c.peer();
          Vcpu& dom0 = c.dom0().vcpu(0);
          SysctlOps control(dom0);
          Scratch list(dom0);
          constexpr uint32_t kRoom = 8;
          const auto ask = [&](domid_t first, uint32_t room) {
            xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_getdomaininfolist);
            request.u.getdomaininfolist.first_domain = first;
            request.u.getdomaininfolist.max_domains = room;
            set_handle(request.u.getdomaininfolist.buffer, list.va());
            return control.call(request);
          };
          const auto all = ask(0, kRoom);
          c.require_eq(all.result, 0, "list from 0");
          c.require_eq(all.arg.u.getdomaininfolist.num_domains, 3u, "dom0 and two guests");
          domid_t last = 0;
          for (uint32_t i = 0; i < 3; ++i) {
            const auto record = list.get<xen_domctl_getdomaininfo_t>(i * sizeof(xen_domctl_getdomaininfo_t));
            c.check(i == 0 ? record.domain == 0 : record.domain > last, "ids ascend from 0");
            last = record.domain;
          }
          c.check_eq(ask(0, 1).arg.u.getdomaininfolist.num_domains, 1u, "room for one");
          c.check_eq(ask(static_cast<domid_t>(last + 1), kRoom).arg.u.getdomaininfolist.num_domains, 0u,
                     "behind the last");
        },
}};

const Case kHeapWindows{{
    .slug = "sysctl.availheap.windows_add_up",
    .rule = "Free memory up to an address width, and from the next width on, together are all of it.",
    .source = "public/sysctl.h, XEN_SYSCTL_availheap",
    .method = "Memory that an earlier domain left may come back meanwhile, so the sum may be a little less.",
    .requirements = {"SYSC-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.dom0().vcpu(0));
          const auto free_bytes = [&control](uint32_t min_bits, uint32_t max_bits, uint32_t node) {
            xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_availheap);
            request.u.availheap.min_bitwidth = min_bits;
            request.u.availheap.max_bitwidth = max_bits;
            request.u.availheap.node = static_cast<int32_t>(node);
            const auto heap = control.call(request);
            return heap.result == 0 ? heap.arg.u.availheap.avail_bytes : kUntouched64;
          };
          constexpr uint32_t kAnyNode = ~0u;
          constexpr uint64_t kOnTheirWayBack = 128 * kPageSize;
          for (const uint32_t bits : {13u, 20u, 24u, 27u, 30u, 40u}) {
            const uint64_t parts = free_bytes(0, bits, kAnyNode) + free_bytes(bits + 1, 0, kAnyNode);
            const uint64_t all = free_bytes(0, 0, kAnyNode);
            c.check(parts <= all && all <= parts + kOnTheirWayBack, "split at " + show(bits) + " bits");
          }
          c.check_eq(free_bytes(60, 0, kAnyNode), 0u, "beyond all memory");
          c.check_eq(free_bytes(0, 0, 5), 0u, "a node that does not exist");
        },
}};

const Case kAvailHeap{{
    .slug = "sysctl.availheap.agrees_with_physinfo",
    .rule = "availheap reports the free bytes that physinfo counts in pages.",
    .source = "public/sysctl.h, XEN_SYSCTL_availheap",
    .requirements = {"SYSC-006"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          SysctlOps control(c.dom0().vcpu(0));
          xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_availheap);
          request.u.availheap.node = -1;
          const auto heap = control.call(request);
          c.require_eq(heap.result, 0, "availheap");
          const auto info = control.call(SysctlOps::request(XEN_SYSCTL_physinfo));
          const uint64_t free_bytes = info.arg.u.physinfo.free_pages * kPageSize;
          c.check(heap.arg.u.availheap.avail_bytes <= free_bytes, "not more than is free");
          c.check(heap.arg.u.availheap.avail_bytes > 0, "something is available");
        },
}};

}  // namespace
}  // namespace assay
