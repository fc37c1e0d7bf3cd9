/// Boot page tables of a PV64 guest, as bytes ready to be written.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sim/abi/page_entry.hpp"
#include "sim/toolstack/memory_plan.hpp"

namespace assay::toolstack {

/// Leaf entries leave out the user bit: the hypervisor then treats them as the guest kernel's and not as global, so
/// that a plain TLB flush is enough when a guest changes one.
constexpr uint64_t kLeafAttributes = kLeafRw;
constexpr uint64_t kTableAttributes = kLeafAttributes | kPteUser;

constexpr uint64_t entry(Mfn frame, uint64_t attributes) {
  return frame.raw() << kPageShift | attributes;
}

/// Index of `va` in a table of `level` (1..4).
constexpr unsigned table_index(Gva va, unsigned level) {
  return static_cast<unsigned>(va.raw() >> (kPageShift + 9 * (level - 1))) % kTableEntries;
}

/// plan.page_tables, filled: plan.mapped_pages at virt_base, the tables themselves read-only. `p2m[pfn]` is a machine
/// frame.
std::vector<std::byte> build_page_tables(const MemoryPlan& plan, std::span<const uint64_t> p2m);

}  // namespace assay::toolstack
