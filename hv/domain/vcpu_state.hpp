/// What a toolstack saves of a vCPU besides its context: callbacks and machine checks, and MSRs of PV vCPUs.
/// Source: public/domctl.h, xen_domctl_ext_vcpucontext, xen_domctl_vcpu_msrs.
#pragma once

#include <span>

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

/// EINVAL: a capability that there is not. On error nothing changes.
Status set_machine_check(Vcpu& vcpu, const hvm_vmce_vcpu& record);

void get_extended_context(const Vcpu& vcpu, xen_domctl_ext_vcpucontext& context);
/// As much of it as `context.size` says. Errors, in order: EINVAL too short; EINVAL an address is not canonical, or the
/// vCPU has no callbacks and the context some; EINVAL as set_machine_check, when the callbacks are set already.
Status set_extended_context(Vcpu& vcpu, const xen_domctl_ext_vcpucontext& context);

/// MSRs of a PV vCPU that have no place in its contexts: as many as 4.17 may hand out, of which this machine has one.
constexpr uint32_t kPvMsrsMax = 7;
/// Those that are not zero; returns how many.
uint32_t get_pv_msrs(const Vcpu& vcpu, std::span<xen_domctl_vcpu_msr_t, kPvMsrsMax> entries);
/// EINVAL: reserved bits, no such register, or a value that it cannot have. On error nothing changes.
Status set_pv_msr(Vcpu& vcpu, const xen_domctl_vcpu_msr_t& entry);

}  // namespace hv
