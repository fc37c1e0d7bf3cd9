/// What CPUID says to a guest. Source of the hypervisor's leaves: public/arch-x86/cpuid.h.
#pragma once

#include <cstdint>

#include "hv/domain/domain.hpp"

namespace hv {

/// Bits of a guest's physical addresses.
[[nodiscard]] unsigned machine_address_bits();

/// Leaves that do not exist are all zero.
[[nodiscard]] CpuidAnswer cpuid_answer(const Vcpu& vcpu, uint32_t leaf, uint32_t subleaf);

}  // namespace hv
