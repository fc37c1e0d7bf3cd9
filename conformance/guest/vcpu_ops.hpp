/// vcpu_op as one vCPU issues it, on itself or a sibling. Every function is one hypercall; nothing is checked here.
#pragma once

#include "conformance/guest/scratch.hpp"
#include "sim/abi/xen.hpp"

namespace assay {

class VcpuOps {
 public:
  explicit VcpuOps(Vcpu& vcpu) : memory_(vcpu) {}

  int64_t up(uint32_t vcpu) { return raw(VCPUOP_up, vcpu, Gva{0}); }
  int64_t down(uint32_t vcpu) { return raw(VCPUOP_down, vcpu, Gva{0}); }
  int64_t is_up(uint32_t vcpu) { return raw(VCPUOP_is_up, vcpu, Gva{0}); }
  Called<vcpu_runstate_info_t> runstate(uint32_t vcpu);
  Called<vcpu_get_physid_t> physid(uint32_t vcpu);
  int64_t register_runstate_area(uint32_t vcpu, Gva area);
  int64_t register_time_area(uint32_t vcpu, Gva area);
  int64_t register_vcpu_info(uint32_t vcpu, Gfn frame, uint32_t offset);
  int64_t set_periodic_timer(uint32_t vcpu, uint64_t period_ns);
  int64_t stop_periodic_timer(uint32_t vcpu) { return raw(VCPUOP_stop_periodic_timer, vcpu, Gva{0}); }
  int64_t set_singleshot_timer(uint32_t vcpu, uint64_t timeout_abs_ns, uint32_t flags = 0);
  int64_t stop_singleshot_timer(uint32_t vcpu) { return raw(VCPUOP_stop_singleshot_timer, vcpu, Gva{0}); }
  int64_t send_nmi(uint32_t vcpu) { return raw(VCPUOP_send_nmi, vcpu, Gva{0}); }
  /// Any command with any pointer: VCPUOP_initialise too, whose structure depends on the guest type.
  int64_t raw(uint64_t command, uint32_t vcpu, Gva argument);

 private:
  template <typename T>
  Called<T> op(uint64_t command, uint32_t vcpu, const T& argument) {
    const int64_t result = raw(command, vcpu, memory_.put(argument));
    return {result, memory_.get<T>()};
  }
  Scratch memory_;
};

}  // namespace assay
