/// event_channel_op as one vCPU issues it. Every function is one hypercall; nothing is checked here.
#pragma once

#include "conformance/guest/ids.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

/// `port` is what the OUT field held after the call: kNoPort when nothing was copied back.
struct PortResult {
  int64_t result;
  EvtchnPort port;
};
constexpr EvtchnPort kNoPort{kUntouched32};

class EventChannels {
 public:
  explicit EventChannels(Vcpu& vcpu) : memory_(vcpu) {}

  PortResult alloc_unbound(DomId remote, DomId dom = kDomSelf);
  PortResult bind_interdomain(DomId remote, EvtchnPort remote_port);
  PortResult bind_virq(uint32_t virq, uint32_t vcpu);
  PortResult bind_pirq(uint32_t pirq, uint32_t flags = 0);
  PortResult bind_ipi(uint32_t vcpu);
  int64_t close(EvtchnPort port);
  int64_t send(EvtchnPort port);
  Called<evtchn_status_t> status(EvtchnPort port, DomId dom = kDomSelf);
  int64_t bind_vcpu(EvtchnPort port, uint32_t vcpu);
  int64_t unmask(EvtchnPort port);
  int64_t reset(DomId dom = kDomSelf);
  Called<evtchn_init_control_t> init_control(Gfn control, uint32_t offset, uint32_t vcpu);
  int64_t expand_array(Gfn array);
  int64_t set_priority(EvtchnPort port, uint32_t priority);
  /// Any command with any pointer.
  int64_t raw(uint64_t command, Gva argument);

 private:
  template <typename T>
  Called<T> op(uint64_t command, const T& argument) {
    return call_with(memory_, __HYPERVISOR_event_channel_op, command, argument);
  }
  Scratch memory_;
};

}  // namespace assay
