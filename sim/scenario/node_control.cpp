#include "sim/scenario/node_control.hpp"

#include <fmt/format.h>

#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "sim/scenario/refusal.hpp"
#include "sim/scenario/scenario.hpp"
#include "sim/toolstack/error.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::scenario {
namespace {

using toolstack::make_domctl;
using toolstack::make_sysctl;
using toolstack::must;
using toolstack::set_handle;

void expect(bool holds, std::string_view call, uint64_t told, uint64_t expected, std::string_view what) {
  if (!holds) throw ToolstackError(fmt::format("{} tells of {} {}; expected {}", call, told, what, expected));
}

xen_domctl affinity_of(uint32_t command, DomId domain, Gva bitmap) {
  xen_domctl op = make_domctl(command, domain);
  op.u.nodeaffinity.nodemap.nr_bits = kNodesMax;
  set_handle(op.u.nodeaffinity.nodemap.bitmap, bitmap);
  return op;
}

}  // namespace

void NodeControl::check(uint32_t nodes, uint32_t pcpus) const {
  xen_sysctl op = make_sysctl(XEN_SYSCTL_physinfo);
  must(dom0_.sysctl(op), "physinfo");
  if (op.u.physinfo.nr_nodes == 1) throw Lacking("the target makes no NUMA nodes of its machine");
  expect(op.u.physinfo.nr_nodes == nodes, "physinfo", op.u.physinfo.nr_nodes, nodes, "nodes");
  expect(op.u.physinfo.max_node_id == nodes - 1, "physinfo", op.u.physinfo.max_node_id, nodes - 1, "as the last node");
  check_memory(nodes);
  check_pcpus(nodes, pcpus);
}

void NodeControl::check_memory(uint32_t nodes) const {
  const uint64_t distances_at = nodes * sizeof(xen_sysctl_meminfo_t);
  xen_sysctl op = make_sysctl(XEN_SYSCTL_numainfo);
  op.u.numainfo.num_nodes = nodes;
  set_handle(op.u.numainfo.meminfo, dom0_.buffer());
  set_handle(op.u.numainfo.distance, dom0_.buffer() + distances_at);
  must(dom0_.sysctl(op), "numainfo");
  expect(op.u.numainfo.num_nodes == nodes, "numainfo", op.u.numainfo.num_nodes, nodes, "nodes");
  std::vector<std::byte> bytes(distances_at + uint64_t{nodes} * nodes * sizeof(uint32_t));
  dom0_.read_buffer(bytes);
  for (uint32_t node = 0; node < nodes; ++node) {
    xen_sysctl_meminfo_t memory{};
    std::memcpy(&memory, bytes.data() + node * sizeof memory, sizeof memory);
    expect(memory.memsize != 0 && memory.memfree <= memory.memsize, "numainfo", memory.memfree, memory.memsize,
           fmt::format("free bytes on node {}, of as many as it has", node));
    for (uint32_t other = 0; other < nodes; ++other) {
      uint32_t distance = 0;
      std::memcpy(&distance, bytes.data() + distances_at + (uint64_t{node} * nodes + other) * sizeof distance,
                  sizeof distance);
      constexpr uint32_t kWithin = 10;  // as ACPI's SLIT has it
      expect((distance == kWithin) == (other == node), "numainfo", distance, kWithin,
             fmt::format("as the distance from node {} to node {}, and 10 is that of a node to itself", node, other));
    }
  }
}

void NodeControl::check_pcpus(uint32_t nodes, uint32_t pcpus) const {
  xen_sysctl op = make_sysctl(XEN_SYSCTL_cputopoinfo);
  op.u.cputopoinfo.num_cpus = pcpus;
  set_handle(op.u.cputopoinfo.cputopo, dom0_.buffer());
  must(dom0_.sysctl(op), "cputopoinfo");
  std::vector<xen_sysctl_cputopo_t> places(pcpus);
  dom0_.read_buffer(std::as_writable_bytes(std::span(places)));
  for (uint32_t pcpu = 0; pcpu < pcpus; ++pcpu) {
    const uint32_t node = pcpu / (pcpus / nodes);
    expect(places[pcpu].node == node, "cputopoinfo", places[pcpu].node, node, fmt::format("as node of pCPU {}", pcpu));
  }
}

void NodeControl::set_affinity(DomId domain, const PcpuSet& nodes) const {
  uint64_t wanted = 0;
  for (uint32_t node = 0; node < kNodesMax; ++node) wanted |= uint64_t{nodes.has(node)} << node;
  dom0_.write_buffer(std::as_bytes(std::span(&wanted, 1)));
  xen_domctl op = affinity_of(XEN_DOMCTL_setnodeaffinity, domain, dom0_.buffer());
  must(dom0_.domctl(op), "setnodeaffinity");
  const uint64_t told = affinity(domain);
  expect(told == wanted, "getnodeaffinity", told, wanted, "as the mask of nodes");
}

uint64_t NodeControl::affinity(DomId domain) const {
  uint64_t nodes = ~uint64_t{0};
  dom0_.write_buffer(std::as_bytes(std::span(&nodes, 1)));
  xen_domctl op = affinity_of(XEN_DOMCTL_getnodeaffinity, domain, dom0_.buffer());
  must(dom0_.domctl(op), "getnodeaffinity");
  dom0_.read_buffer(std::as_writable_bytes(std::span(&nodes, 1)));
  return nodes;
}

}  // namespace assay::scenario
