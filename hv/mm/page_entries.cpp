#include "hv/mm/page_entries.hpp"

#include "hv/base/fault.hpp"
#include "hv/mm/linear_tables.hpp"
#include "hv/mm/m2p.hpp"
#include "hv/mm/page_refs.hpp"
#include "hv/mm/page_tables.hpp"

namespace hv {

namespace {

/// The frame number of all ones that an entry can hold: no device memory, just no frame.
constexpr Mfn kNoFrame = pte_mfn(kPteFrame);

/// A mapping of an HVM domain's frame does not count as writable there: that domain's frames are never page tables.
bool counts_as_writable(uint64_t pte, const DomainMemory& table_owner, const DomainMemory& page_owner) {
  return (pte & kPteWritable) != 0 && (&table_owner == &page_owner || page_owner.kind == GuestKind::kPv64);
}

}  // namespace

uint64_t leaf_disallowed(const DomainMemory& table_owner) {
  // Cache attributes are for domains with rights to I/O memory.
  return table_owner.privileged ? 0 : kPteWriteThrough | kPteCacheDisable | kPteLarge;
}

uint64_t branch_disallowed() {
  return kPteWriteThrough | kPteCacheDisable | kPteGlobal | (fault("mmu.large_page_accepted") ? 0 : kPteLarge);
}

uint64_t adjusted_entry(uint64_t pte, unsigned level) {
  if ((pte & kPtePresent) == 0) return pte;
  // An L4 may be used through a copy whose accessed bits nobody brings back: all its entries count as accessed.
  if (level == 4) return pte | kPteUser | kPteAccessed;
  if (level > 1) return pte | kPteUser;
  if ((pte & kPteUser) == 0) pte |= kPteGuestKernel | kPteUser;
  if ((pte & kPteGuestKernel) == 0) pte |= kPteGlobal;
  return pte;
}

bool hypervisor_slot(unsigned level, unsigned index) {
  const unsigned last = kHypervisorSlotLast - (fault("mmu.last_hypervisor_slot_free") ? 1 : 0);
  return level == 4 && index >= kHypervisorSlotFirst && index <= last;
}

Status get_leaf(uint64_t pte, const DomainMemory& table_owner, const DomainMemory& page_owner) {
  if ((pte & leaf_disallowed(table_owner)) != 0) return fail(XEN_EINVAL);
  const Mfn mfn = pte_mfn(pte);
  if (mfn == kNoFrame) return fail(XEN_EINVAL);
  if (!frame_is_ram(mfn)) return fail(XEN_EPERM);
  // Nobody's device memory is here, and whose frame it is is not for everybody to know.
  if (&page_owner == &io_memory() && !table_owner.privileged) return fail(XEN_EPERM);
  return hold_leaf(pte, table_owner, page_owner);
}

Status hold_leaf(uint64_t pte, const DomainMemory& table_owner, const DomainMemory& page_owner) {
  const Mfn mfn = pte_mfn(pte);
  if (!get_page(mfn, page_owner)) return fail(XEN_EBUSY);
  if (counts_as_writable(pte, table_owner, page_owner) && !get_page_type(mfn, PageType::kWritable).ok()) {
    put_page(mfn);
    return fail(XEN_EBUSY);
  }
  return kOk;
}

void put_leaf(uint64_t pte, const DomainMemory& table_owner) {
  const Mfn mfn = pte_mfn(pte);
  if (counts_as_writable(pte, table_owner, *frame_info(mfn).owner)) put_page_type(mfn);
  put_page(mfn);
}

Status get_branch(uint64_t pte, Mfn table, unsigned level) {
  if ((pte & branch_disallowed()) != 0) return fail(XEN_EINVAL);
  const Mfn target = pte_mfn(pte);
  const Status status = get_page_and_type(target, *frame_info(table).owner, table_type(level - 1));
  if (status != fail(XEN_EINVAL)) return status;
  return get_linear(target, table, level, (pte & kPteWritable) != 0) ? kOk : status;
}

void put_branch(uint64_t pte, Mfn table, unsigned level) {
  const Mfn target = pte_mfn(pte);
  if (target == table) return;
  if (frame_info(target).type == table_type(level)) {
    put_linear(target, table);
  } else {
    put_page_and_type(target);
  }
}

}  // namespace hv
