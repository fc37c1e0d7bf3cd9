/// Where pCPUs and memory are, as the toolstack asks for it.
#include "conformance/case.hpp"
#include "conformance/guest/bad_pointers.hpp"
#include "conformance/guest/control_ops.hpp"
#include "conformance/guest/errno.hpp"

namespace assay {
namespace {

const Case kProcessors{{
    .slug = "sysctl.cputopoinfo.one_record_a_pcpu",
    .rule = "Without a list cputopoinfo tells how many pCPUs there are; with one it fills as many records as fit.",
    .source = "public/sysctl.h, XEN_SYSCTL_cputopoinfo",
    .requirements = {"SYSC-015"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          SysctlOps control(dom0);
          Scratch list(dom0);
          const auto ask = [&](Gva buffer, uint32_t room) {
            xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_cputopoinfo);
            request.u.cputopoinfo.num_cpus = room;
            set_handle(request.u.cputopoinfo.cputopo, buffer);
            return control.call(request);
          };
          const auto count = ask(Gva{0}, 0);
          c.require_eq(count.result, 0, "without a list");
          const uint32_t pcpus = count.arg.u.cputopoinfo.num_cpus;
          c.require(pcpus >= 1 && pcpus <= 128, "there are pCPUs");
          list.put(xen_sysctl_cputopo_t{kUntouched32, kUntouched32, kUntouched32}, sizeof(xen_sysctl_cputopo_t));
          c.check_eq(ask(list.va(), 1).arg.u.cputopoinfo.num_cpus, 1u, "room for one");
          c.check_eq(list.get<xen_sysctl_cputopo_t>(sizeof(xen_sysctl_cputopo_t)).core, kUntouched32,
                     "nothing behind the room");
          const auto all = ask(list.va(), pcpus + 1);
          c.check_eq(all.result, 0, "with a list");
          c.check_eq(all.arg.u.cputopoinfo.num_cpus, pcpus, "records");
          for (uint32_t pcpu = 0; pcpu < pcpus; ++pcpu) {
            const auto place = list.get<xen_sysctl_cputopo_t>(pcpu * sizeof(xen_sysctl_cputopo_t));
            c.check_ne(place.core, XEN_INVALID_CORE_ID, "core of pCPU " + show(pcpu));
            c.check_ne(place.socket, XEN_INVALID_SOCKET_ID, "socket of pCPU " + show(pcpu));
            c.check_ne(place.node, XEN_INVALID_NODE_ID, "node of pCPU " + show(pcpu));
          }
          c.check_eq(ask(bad_pointer(GuestType::kPv64), pcpus).result, -XEN_EFAULT, "a list that cannot be written");
        },
}};

const Case kNodes{{
    .slug = "sysctl.numainfo.memory_and_distance",
    .rule = "numainfo tells how many nodes there are, how much memory each has, free of it, and their distances.",
    .source = "public/sysctl.h, XEN_SYSCTL_numainfo",
    .requirements = {"SYSC-016"},
    .guests = GuestTypes::kDom0,
    .body =
        [](CaseContext& c) {
          Vcpu& dom0 = c.dom0().vcpu(0);
          SysctlOps control(dom0);
          Scratch memory(dom0);
          Scratch distance(dom0);
          const auto ask = [&](Gva memories, Gva distances, uint32_t room) {
            xen_sysctl_t request = SysctlOps::request(XEN_SYSCTL_numainfo);
            request.u.numainfo.num_nodes = room;
            set_handle(request.u.numainfo.meminfo, memories);
            set_handle(request.u.numainfo.distance, distances);
            return control.call(request);
          };
          const auto count = ask(Gva{0}, Gva{0}, 0);
          c.require_eq(count.result, 0, "without lists");
          c.require_eq(count.arg.u.numainfo.num_nodes, 1u, "nodes of this machine");
          const auto filled = ask(memory.va(), distance.va(), 4);
          c.check_eq(filled.result, 0, "with lists");
          c.check_eq(filled.arg.u.numainfo.num_nodes, 1u, "records");
          const auto node = memory.get<xen_sysctl_meminfo_t>();
          c.check(node.memfree > 0 && node.memfree < node.memsize, "some of its memory is free, some used");
          constexpr uint32_t kLocal = 10;
          c.check_eq(distance.get<uint32_t>(), kLocal, "distance to itself");
          const Gva bad = bad_pointer(GuestType::kPv64);
          c.check_eq(ask(bad, distance.va(), 4).result, -XEN_EFAULT, "a list of memory that cannot be written");
          c.check_eq(ask(memory.va(), bad, 4).result, -XEN_EFAULT, "a list of distances that cannot be written");
        },
}};

}  // namespace
}  // namespace assay
