/// Model-specific registers of a guest: those that it may use, and nothing for the rest.
#pragma once

#include <cstdint>

#include "hv/domain/domain.hpp"

namespace hv {

constexpr uint64_t kMsrHypercallPage = 0x4000'0000;

/// False: #GP.
[[nodiscard]] bool read_msr(const Vcpu& vcpu, uint64_t index, uint64_t& value);
[[nodiscard]] bool write_msr(Vcpu& vcpu, uint64_t index, uint64_t value);

}  // namespace hv
