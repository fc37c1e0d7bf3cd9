/// What one present page-table entry may say and which references it holds. Used when a table is validated, when an
/// entry is replaced and when a table is released.
#pragma once

#include <cstdint>

#include "hv/base/error.hpp"
#include "hv/mm/frame_table.hpp"

namespace hv {

/// Takes the references of a level 1 entry in a table of `table_owner` that names a frame of `page_owner`.
/// Errors, in order: EINVAL a flag that is not allowed, or a frame number of all ones; EPERM no RAM; EBUSY not a frame
/// of `page_owner`, or to be mapped writable while it is a page table or descriptor table.
Status get_leaf(uint64_t pte, const DomainMemory& table_owner, const DomainMemory& page_owner);
/// The same without a look at flags, for an entry that the core makes itself.
Status hold_leaf(uint64_t pte, const DomainMemory& table_owner, const DomainMemory& page_owner);
void put_leaf(uint64_t pte, const DomainMemory& table_owner);

/// Takes the references of an entry of `table`, level 2..4. Errors: EINVAL a flag that is not allowed (large pages
/// among them); what the validation of the next table found; EINVAL not a table of the next level and no linear entry.
Status get_branch(uint64_t pte, Mfn table, unsigned level);
void put_branch(uint64_t pte, Mfn table, unsigned level);

/// Bits of a level 1 entry that must not be set in a table of this owner.
[[nodiscard]] uint64_t leaf_disallowed(const DomainMemory& table_owner);
[[nodiscard]] uint64_t branch_disallowed();

/// The entry as the table will hold it: a guest's kernel runs in ring 3, so the user bit is forced on.
[[nodiscard]] uint64_t adjusted_entry(uint64_t pte, unsigned level);

/// True for the L4 slots that belong to the hypervisor.
[[nodiscard]] bool hypervisor_slot(unsigned level, unsigned index);

}  // namespace hv
