/// The steps between two runs of a guest: what an exit means, and what is delivered before the guest goes on.
#pragma once

#include "hv/vcpu/vcpu.hpp"
#include "sim/port/port.h"

namespace hv {

/// Acts on the reason for which the guest left. Never fails: what a guest must not do crashes its domain.
void handle_exit(Vcpu& vcpu, const assay_exit& left);

/// Gives the vCPU what is pending: a trap frame for PV64, an injection in `next` for HVM. May crash the domain, after
/// which the vCPU is not runnable.
void deliver(Vcpu& vcpu, assay_run& next);

/// One hypercall of a guest: from registers to registers. In hv/hypercall/entry.cpp.
void hypercall_entry(Vcpu& vcpu);

}  // namespace hv
