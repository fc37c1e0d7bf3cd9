/// What the builder of a PV64 guest writes into its shared_info.
#pragma once

#include "sim/toolstack/foreign_window.hpp"

namespace assay::toolstack {

/// Every event upcall starts masked. The time records in there are the hypervisor's to fill.
/// Source: public/xen.h, struct shared_info.
void init_shared_info(const Privileged& dom0, ForeignWindow& window, DomId domain, uint64_t frame);

}  // namespace assay::toolstack
