/// Page tables of a PV64 guest, as its kernel makes them: pages of its heap that it writes and gives to the hypervisor.
#pragma once

#include <initializer_list>
#include <utility>

#include "conformance/guest/mmu_ops.hpp"
#include "sim/abi/page_entry.hpp"

namespace assay {

constexpr uint64_t make_entry(Gfn frame, uint64_t flags) {
  return frame.raw() << kPageShift | flags;
}
constexpr Gfn frame_of_entry(uint64_t entry) {
  return Gfn{(entry & kPteFrame) >> kPageShift};
}

/// A page of a guest's linear map and the frame behind it.
struct Page {
  Gva va;
  Gfn frame;
};

using Entries = std::initializer_list<std::pair<unsigned, uint64_t>>;

/// A zeroed page of the heap, mapped writable.
Page heap_page(Vcpu& vcpu);
/// A heap page with these entries, mapped read-only from now on: nothing hinders it from becoming a page table.
Page table_page(Vcpu& vcpu, Entries entries = {});
/// Changes the page's own mapping in the linear map; the old translation is flushed. 0: not mapped.
int64_t remap(Vcpu& vcpu, const Page& page, uint64_t flags);
/// One entry as the guest reads it.
uint64_t entry_at(Vcpu& vcpu, const Page& table, unsigned index);
/// The L4 that the domain was started with.
Page root_table(Domain& domain);
/// The L1 table that maps `va`, found by the M2P and the linear map. HarnessFault where a table is missing.
/// Source: public/arch-x86/xen-x86_64.h, MACH2PHYS_VIRT_START.
Page leaf_table(Domain& domain, Gva va);

/// The level 1 entry that maps an address.
struct LeafEntry {
  Gva va;            ///< where the guest can read it (page tables are mapped read-only)
  uint64_t machine;  ///< its machine address: what GNTMAP_contains_pte and mmu_update name it by
  uint64_t value;    ///< what it holds now
};
LeafEntry leaf_entry(Domain& domain, Gva va);

/// A part of the address space that the guest has for itself: an L3, an L2 and an L1 of its own below a free slot of
/// its root. Page `i` of it is entry `i` of the L1.
struct Window {
  Page l3, l2, l1;
  unsigned slot;
  [[nodiscard]] Gva page(unsigned index) const { return Gva{(uint64_t{slot} << 39) + index * kPageSize}; }
};

/// Throws HarnessFault when the hypervisor refuses it.
Window open_window(Vcpu& vcpu, Entries leaves = {}, unsigned slot = 1);

}  // namespace assay
