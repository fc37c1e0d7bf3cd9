/// Linear page tables: an entry of a table at level n that names a table of level n, so that the page tables themselves
/// appear in the address space. Read-only, and one step deep: a table that others refer to this way has no such
/// entries.
#pragma once

#include "hv/base/types.hpp"

namespace hv {

/// Takes the references of such an entry in `table`. An entry that names its own table needs none: the table could
/// otherwise never be released. False when the rules forbid it.
[[nodiscard]] bool get_linear(Mfn target, Mfn table, unsigned level, bool writable);
/// For entries that name another table.
void put_linear(Mfn target, Mfn table);

}  // namespace hv
