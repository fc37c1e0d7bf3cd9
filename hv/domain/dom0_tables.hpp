/// The page tables that the first domain starts on.
#pragma once

#include "hv/domain/dom0_layout.hpp"
#include "hv/domain/dom0_memory.hpp"

namespace hv {

/// Maps all of the layout, the tables themselves read-only. They lie in one run: L4, then all L3, all L2, all L1.
void write_dom0_tables(const Dom0Layout& layout, const Dom0Memory& memory);

}  // namespace hv
