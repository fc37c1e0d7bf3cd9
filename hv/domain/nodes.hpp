/// NUMA nodes, as many as the command line makes (numa=fake=N): pCPUs and machine frames are divided among them in
/// order, each has as many, and the last one also what is left over.
#pragma once

#include <string_view>

#include "hv/base/error.hpp"
#include "hv/base/types.hpp"

namespace hv {

constexpr uint32_t kNodesMax = 64;

/// `option`: what "numa=" says; empty: one node. EINVAL with a line on the console: more than there are pCPUs, or than
/// kNodesMax.
Status nodes_init(std::string_view option);
uint32_t node_count();
uint32_t node_of_pcpu(uint32_t pcpu);
/// Of the node behind the last: where memory ends.
uint64_t first_frame_of_node(uint32_t node);

/// Nodes where a domain would rather be; 0: nobody has said. Nothing but toolstacks asks: it is kept beside the domain.
uint64_t node_affinity(DomId domain);
/// ENOMEM: the arena is full, and nothing has changed.
Status set_node_affinity(DomId domain, uint64_t nodes);
/// The domain goes.
void forget_node_affinity(DomId domain);

}  // namespace hv
