/// A domain that starts over in place: the guest's kernel has been replaced, its memory stays.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

/// Event channels, registered areas and shared_info go back to what a new domain has; then the domain resumes.
/// Errors, in order: EINVAL a vCPU was not stopped by shutdown; EINVAL not paused by its controller; as evtchn_reset;
/// EINVAL not HVM (the domain is crashed); ENOMEM (the same).
Result<ResetProgress> soft_reset_domain(Domain& domain, bool continued, bool (*preempt)(void*), void* context);

}  // namespace hv
