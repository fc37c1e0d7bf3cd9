/// Memory type ranges (MTRRs) of an HVM vCPU: checked as a processor does and kept. Source: AMD64 manual, volume
/// 2, 7.7.
#pragma once

#include "hv/domain/domain.hpp"

namespace hv {

/// What MTRRcap says: write-combining, fixed ranges, and how many variable ones.
constexpr uint64_t kMtrrCapabilityBits = 1u << 10 | 1u << 8 | kMtrrVariableRanges;

/// False: no such register, or a PV vCPU.
[[nodiscard]] bool read_memory_type(const Vcpu& vcpu, uint64_t index, uint64_t& value);
/// False likewise, and for a type or a bit that there is not.
[[nodiscard]] bool write_memory_type(Vcpu& vcpu, uint64_t index, uint64_t value);

/// The record of a save stream. Loading drops what a guest could not have written, as 4.17 does.
/// EINVAL: more variable ranges than there are.
void save_memory_types(const Vcpu& vcpu, hvm_hw_mtrr& record);
Status load_memory_types(Vcpu& vcpu, const hvm_hw_mtrr& record);

}  // namespace hv
