/// pCPUs that are scheduled together, a core's or a socket's, run vCPUs of one scheduling unit at a time, and none of
/// them is kept inside the hypervisor while it waits for the others.
#pragma once

#include <vector>

#include "sim/scenario/oracles/oracle.hpp"

namespace assay::scenario {

class CoreSharing final : public Oracle {
 public:
  /// `together` pCPUs each, and as many vCPUs of a domain, in order. To switch together takes at most `bound_ns`.
  CoreSharing(uint32_t pcpus, uint32_t together, uint64_t bound_ns)
      : Oracle("core sharing"), together_(together), bound_ns_(bound_ns), pcpus_(pcpus) {}

  /// The pCPU leaves its guest, or wakes, for the hypervisor.
  void left(uint64_t now_ns, uint32_t pcpu);
  /// The pCPU goes from the hypervisor to a vCPU: number `id` of the domain.
  void entered(uint64_t now_ns, uint32_t pcpu, VcpuIndex vcpu, uint32_t id);
  /// The pCPU goes from the hypervisor to sleep, or to a vCPU that is not the scenario's.
  void idles(uint64_t now_ns, uint32_t pcpu);
  void end(const Schedule& schedule, uint64_t now_ns) override;
  /// How long pCPUs that had been in the vCPU's guest were in the hypervisor then.
  [[nodiscard]] uint64_t kept_ns(VcpuIndex vcpu) const { return vcpu < kept_ns_.size() ? kept_ns_[vcpu] : 0; }

 private:
  struct PcpuState {
    VcpuIndex vcpu = kNoVcpu;       ///< in whose guest it is
    VcpuIndex came_from = kNoVcpu;  ///< meaningful while it is inside
    VcpuIndex unit = kNoVcpu;       ///< the first vCPU of its unit
    uint64_t left_ns = 0;           ///< meaningful while it is inside
    bool is_inside = false;
  };

  void comes_back(uint64_t now_ns, uint32_t pcpu);

  uint32_t together_;
  uint64_t bound_ns_;
  std::vector<PcpuState> pcpus_;
  std::vector<uint64_t> kept_ns_;  ///< by vCPU
};

}  // namespace assay::scenario
