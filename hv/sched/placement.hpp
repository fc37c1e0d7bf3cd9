/// Where a vCPU waits, for policies whose queues are not those of pCPUs.
#pragma once

#include "hv/base/host.hpp"
#include "hv/sched/sched.hpp"

namespace hv {

/// Where it is, if it may run there; otherwise the first pCPU where it may. There must be one.
[[nodiscard]] inline uint32_t allowed_pcpu(const Vcpu& vcpu) {
  if (may_run_on(vcpu, vcpu.pcpu)) return vcpu.pcpu;
  uint32_t pcpu = 0;
  while (pcpu < host().pcpus && !may_run_on(vcpu, pcpu)) ++pcpu;
  HV_ASSERT(pcpu < host().pcpus);
  return pcpu;
}

}  // namespace hv
