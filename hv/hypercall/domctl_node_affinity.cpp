/// NUMA nodes on which a domain would rather be. Where its vCPUs run is for their own affinity to say: a toolstack sets
/// that, too.
#include "hv/domain/nodes.hpp"
#include "hv/hypercall/bitmap.hpp"
#include "hv/hypercall/domctl.hpp"

namespace hv {

namespace {

uint64_t all_nodes() {
  return ~uint64_t{0} >> (kNodesMax - node_count());
}

/// Where a vCPU prefers to run, of its pool; where it may, if that is nowhere.
bool prefers(const Domain& domain, const Vcpu& vcpu, uint32_t pcpu, bool has_preference) {
  const bool may = affinity_has(vcpu.hard_affinity, pcpu) && affinity_has(domain.sched.pool->pcpus, pcpu);
  return may && (!has_preference || affinity_has(vcpu.soft_affinity, pcpu));
}

uint64_t nodes_of(const Domain& domain, const Vcpu& vcpu) {
  for (const bool has_preference : {true, false}) {
    uint64_t nodes = 0;
    for (uint32_t pcpu = 0; pcpu < host().pcpus; ++pcpu) {
      if (prefers(domain, vcpu, pcpu, has_preference)) nodes |= uint64_t{1} << node_of_pcpu(pcpu);
    }
    if (nodes != 0) return nodes;
  }
  return 0;
}

/// As long as nobody has said: the nodes of its vCPUs; of all, while it has none.
uint64_t effective_nodes(const Domain& domain) {
  uint64_t nodes = node_affinity(domain.id);
  if (nodes != 0) return nodes;
  for (uint32_t id = 0; id < domain.max_vcpus; ++id) {
    if (domain.vcpus[id] != nullptr) nodes |= nodes_of(domain, *domain.vcpus[id]);
  }
  return nodes != 0 ? nodes : all_nodes();
}

}  // namespace

/// Errors, in order: EFAULT; EINVAL none of the nodes exists; ENOMEM. All nodes: it follows its vCPUs again.
/// Source: public/domctl.h, XEN_DOMCTL_setnodeaffinity.
int64_t domctl_setnodeaffinity(Domctl& ctl) {
  uint64_t nodes = 0;
  if (!read_node_mask(ctl.call.space(), nodes, ctl.op.u.nodeaffinity.nodemap)) return -XEN_EFAULT;
  nodes &= all_nodes();
  if (nodes == 0) return -XEN_EINVAL;
  return set_node_affinity(ctl.target().id, nodes == all_nodes() ? 0 : nodes).raw();
}

int64_t domctl_getnodeaffinity(Domctl& ctl) {
  const uint64_t nodes = effective_nodes(ctl.target());
  return write_node_mask(ctl.call.space(), ctl.op.u.nodeaffinity.nodemap, nodes) ? 0 : -XEN_EFAULT;
}

}  // namespace hv
