/// What a PV64 guest maps at an address of its own, changed by hypercall.
#pragma once

#include "sim/abi/xen.hpp"
#include "sim/target/target.hpp"

namespace assay {

/// Flags of a page-table entry: present, writable, user, accessed, dirty.
constexpr uint64_t kMapped = 0x67;

/// What a PV64 guest maps at `va` from now on: a frame with flags, or nothing (0). Returns the hypercall's result.
inline int64_t update_mapping(Vcpu& vcpu, Gva va, uint64_t entry) {
  return vcpu.hypercall(__HYPERVISOR_update_va_mapping, {va.raw(), entry, UVMF_INVLPG | UVMF_LOCAL});
}

}  // namespace assay
