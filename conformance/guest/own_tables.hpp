/// A PV64 guest's own page tables, which it may read: by the M2P and the linear map of its memory.
#pragma once

#include "sim/target/target.hpp"

namespace assay {

/// The level 1 entry that maps an address.
struct OwnEntry {
  Gva va;            ///< where the guest can read it (page tables are mapped read-only)
  uint64_t machine;  ///< its machine address: what GNTMAP_contains_pte and mmu_update name it by
  uint64_t value;    ///< what it holds now
};

/// HarnessFault where a table is missing. Source: public/arch-x86/xen-x86_64.h, MACH2PHYS_VIRT_START.
OwnEntry own_entry(Vcpu& vcpu, Gva va);

}  // namespace assay
