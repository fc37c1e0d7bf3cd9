/// From an empty domain to one that is ready to be unpaused.
#pragma once

#include <algorithm>
#include <vector>

#include "sim/toolstack/domain_control.hpp"
#include "sim/toolstack/foreign_window.hpp"
#include "sim/toolstack/memory_plan.hpp"

namespace assay::toolstack {

/// Everything a builder works with; all outlive it.
struct Builder {
  const Privileged& dom0;
  const DomainControl& control;
  ForeignWindow& window;
  const AgentImage& image;
  const GuestSpec& spec;
};

/// vCPUs that can run the agent: those that it has a mailbox for. Further ones exist and are the case's business.
inline uint32_t agent_vcpus(const GuestSpec& spec) {
  return std::min<uint32_t>(spec.vcpus, ASSAY_AGENT_VCPUS_MAX);
}

/// Both fill the memory of `domain`, which has its vCPUs but no memory yet, and set the state of vCPU 0. They return
/// the machine frames of the mailboxes, vCPU by vCPU. Throw ToolstackError; the window may then still be mapped.
using MailboxFrames = std::vector<std::vector<Mfn>>;
MailboxFrames build_pv64(const Builder& builder, DomId domain, const MemoryPlan& plan);
MailboxFrames build_pvh(const Builder& builder, DomId domain, const MemoryPlan& plan);

}  // namespace assay::toolstack
