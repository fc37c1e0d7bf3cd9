/// Hypercalls of a PV64 vCPU for which an upcall waits from their first instruction on: a hypervisor that looks whether
/// a long one should stop stops it, and says in the vCPU's registers how to go on.
#pragma once

#include "conformance/guest/instructions.hpp"

namespace assay {

/// Where a hypercall led: its result, or the call that the vCPU has to make when the upcall is over.
struct Interrupted {
  bool was_preempted = false;
  int64_t result = 0;
  uint32_t next_number = 0;
  uint64_t next_argument = 0;  ///< the first one
};

class WaitingUpcall {
 public:
  /// The vCPU's events go to a stub of the agent from now on; nothing else must be able to raise one.
  WaitingUpcall(CaseContext& c, Vcpu& vcpu);

  /// A hypercall of one argument. Once it was preempted, upcalls are held: what is called next is not.
  Interrupted call(uint32_t number, uint64_t argument);

 private:
  CaseContext* c_;
  Vcpu* vcpu_;
  Instructions cpu_;
  Scratch code_;
};

}  // namespace assay
