/// sched_op as one vCPU issues it. start_* may block: collect the result with Vcpu::finish_hypercall.
#pragma once

#include <initializer_list>

#include "conformance/guest/ids.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

class SchedOps {
 public:
  explicit SchedOps(Vcpu& vcpu) : memory_(vcpu) {}

  int64_t yield();
  void start_block();
  /// `timeout_ns` is an absolute system time, 0 = none. At most 256 ports.
  int64_t poll(std::initializer_list<EvtchnPort> ports, uint64_t timeout_ns);
  void start_poll(std::initializer_list<EvtchnPort> ports, uint64_t timeout_ns);
  /// sched_poll with any list pointer and length, without waiting for it to be sensible.
  int64_t poll_raw(Gva list, uint32_t count, uint64_t timeout_ns);
  /// Does not return when it works.
  void start_shutdown(uint32_t reason);
  int64_t shutdown(uint32_t reason);  ///< for reasons that are refused
  int64_t remote_shutdown(DomId dom, uint32_t reason);
  int64_t shutdown_code(uint32_t reason);
  int64_t watchdog(uint32_t id, uint32_t timeout_s);
  int64_t pin_override(int32_t pcpu);
  /// Any command with any pointer.
  int64_t raw(uint64_t command, Gva argument);

 private:
  Gva place_poll(std::initializer_list<EvtchnPort> ports, uint64_t timeout_ns);
  Scratch memory_;
};

}  // namespace assay
