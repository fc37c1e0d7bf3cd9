/// Suspend and resume of the whole machine.
#pragma once

#include "hv/domain/domain.hpp"

namespace hv {

/// Every vCPU but the caller's stops where it is, timers of all other pCPUs go to pCPU 0, and the machine sleeps; when
/// it is awake, everything is as it was and time has passed. The caller must hold no locks. EBUSY: the machine is on
/// its way to sleep already; nothing has changed.
Status suspend_machine(Domain& domain, const Vcpu& caller);

}  // namespace hv
