/// hvm_op as one vCPU issues it. Every function is one hypercall; nothing is checked here.
#pragma once

#include "conformance/guest/ids.hpp"
#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

class HvmOps {
 public:
  explicit HvmOps(Vcpu& vcpu) : memory_(vcpu) {}

  int64_t set_param(uint32_t index, uint64_t value, DomId dom = kDomSelf) {
    return param(HVMOP_set_param, index, value, dom).result;
  }
  /// `arg.value` is kUntouched64 when nothing was copied back.
  Called<xen_hvm_param_t> get_param(uint32_t index, DomId dom = kDomSelf) {
    return param(HVMOP_get_param, index, kUntouched64, dom);
  }
  int64_t set_upcall_vector(uint32_t vcpu, uint8_t vector) {
    const xen_hvm_evtchn_upcall_vector_t argument{vcpu, vector};
    return op(HVMOP_set_evtchn_upcall_vector, argument).result;
  }
  Called<xen_hvm_get_time_t> time() { return op(HVMOP_get_time, xen_hvm_get_time_t{kUntouched64}); }
  template <typename T>
  Called<T> op(uint64_t command, const T& argument) {
    return call_with(memory_, __HYPERVISOR_hvm_op, command, argument);
  }
  /// Any command with any pointer.
  int64_t raw(uint64_t command, Gva argument) {
    return memory_.vcpu().hypercall(__HYPERVISOR_hvm_op, {command, argument.raw()});
  }

 private:
  Called<xen_hvm_param_t> param(uint64_t command, uint32_t index, uint64_t value, DomId dom) {
    xen_hvm_param_t argument{};
    argument.domid = dom.raw();
    argument.index = index;
    argument.value = value;
    return op(command, argument);
  }
  Scratch memory_;
};

/// HVM_PARAM_CALLBACK_IRQ: the type of the route in its top byte.
constexpr uint64_t callback_route(uint64_t type, uint64_t number) {
  return type << 56 | number;
}
/// The route that the agent asks for when it boots.
inline uint64_t agent_callback(const Domain& guest) {
  return callback_route(HVM_PARAM_CALLBACK_TYPE_VECTOR, guest.space().layout.pvh_vector);
}

}  // namespace assay
