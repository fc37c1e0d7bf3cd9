/// The local APIC of an HVM vCPU as records of a save stream. Source: public/arch-x86/hvm/save.h.
#pragma once

#include "hv/base/error.hpp"
#include "hv/domain/domain.hpp"

namespace hv {

void save_apic(const Vcpu& vcpu, hvm_hw_lapic& record);
/// EINVAL: x2APIC mode without the APIC. On error nothing changes.
Status load_apic(Vcpu& vcpu, const hvm_hw_lapic& record);

/// Registers that the core has no use for come back as they were loaded.
void save_apic_registers(const Vcpu& vcpu, hvm_hw_lapic_regs& record);
/// EINVAL: no memory to keep them. Of what is requested and in service, the vCPU's own upcall vector takes effect.
Status load_apic_registers(Vcpu& vcpu, const hvm_hw_lapic_regs& record);

}  // namespace hv
