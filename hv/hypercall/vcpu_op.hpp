/// Operations of vcpu_op on `target`, a vCPU of the caller's domain. Source: public/vcpu.h.
#pragma once

#include "hv/hypercall/call.hpp"

namespace hv {

/// Errors, in order: EINVAL no vcpu_info; ENOMEM; EFAULT; EEXIST initialised; as the context.
int64_t vcpuop_initialise(Call& call, Vcpu& target);
/// EINVAL: not initialised.
int64_t vcpuop_up(Vcpu& target);
/// 0. The last one to go takes the domain with it (SHUTDOWN_poweroff).
int64_t vcpuop_down(Call& call, Vcpu& target);
/// EINVAL: with an argument.
int64_t vcpuop_send_nmi(Call& call, Vcpu& target);
/// EINVAL: not a vCPU of the first domain that has one pCPU only. EFAULT.
int64_t vcpuop_get_physid(Call& call, Vcpu& target);

/// Errors, in order: EFAULT; EINVAL period below 1 ms or too long.
int64_t vcpuop_set_periodic_timer(Call& call, Vcpu& target);
/// Errors, in order: EINVAL not the caller's own; EFAULT. A time that has passed fires at once.
int64_t vcpuop_set_singleshot_timer(Call& call, Vcpu& target);
/// EINVAL: not the caller's own.
int64_t vcpuop_stop_singleshot_timer(Call& call, Vcpu& target);

int64_t vcpuop_get_runstate_info(Call& call, Vcpu& target);
/// Errors, in order: EFAULT the argument; EFAULT an address that cannot be guest memory.
int64_t vcpuop_register_runstate_memory_area(Call& call, Vcpu& target);
int64_t vcpuop_register_vcpu_time_memory_area(Call& call, Vcpu& target);
/// Errors, in order: EFAULT; ENXIO offset too large or not aligned; EINVAL registered already; EINVAL another vCPU that
/// is up; EINVAL not a frame that can be written. On success every selector bit is set and an upcall is pending.
int64_t vcpuop_register_vcpu_info(Call& call, Vcpu& target);

}  // namespace hv
