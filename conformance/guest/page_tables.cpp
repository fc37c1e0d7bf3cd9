#include "conformance/guest/page_tables.hpp"

#include <string>

namespace assay {
namespace {

constexpr unsigned kRootLevel = 4;

unsigned index_of(Gva va, unsigned level) {
  return static_cast<unsigned>(va.raw() >> (kPageShift + 9 * (level - 1))) % kEntries;
}

void must(int64_t result, const char* what) {
  if (result != 0) throw HarnessFault(std::string(what) + " returned " + std::to_string(result));
}

/// Where the linear map has the table that an entry names.
Page table_behind(Domain& domain, uint64_t entry) {
  if ((entry & kPtePresent) == 0) throw HarnessFault("the guest has no level 1 table for an address");
  const Gfn frame = frame_of_entry(entry);
  const auto pfn = domain.vcpu(0).read<uint64_t>(Gva{MACH2PHYS_VIRT_START} + frame.raw() * sizeof(uint64_t));
  if (pfn >= domain.space().pages) throw HarnessFault("the M2P has no pfn for a page table of the guest");
  return {Gva{domain.space().va_offset + pfn * kPageSize}, frame};
}

}  // namespace

Page heap_page(Vcpu& vcpu) {
  const Gva va = vcpu.domain().alloc_pages(1);
  return {va, vcpu.domain().gfn_of(va)};
}

Page table_page(Vcpu& vcpu, Entries entries) {
  const Page page = heap_page(vcpu);
  for (const auto& [index, value] : entries) vcpu.write(page.va + index * sizeof value, value);
  must(remap(vcpu, page, kLeafRo), "making a page read-only");
  return page;
}

int64_t remap(Vcpu& vcpu, const Page& page, uint64_t flags) {
  const uint64_t entry = flags == 0 ? 0 : make_entry(page.frame, flags);
  return vcpu.hypercall(__HYPERVISOR_update_va_mapping, {page.va.raw(), entry, UVMF_INVLPG | UVMF_ALL});
}

uint64_t entry_at(Vcpu& vcpu, const Page& table, unsigned index) {
  return vcpu.read<uint64_t>(table.va + index * sizeof(uint64_t));
}

Page root_table(Domain& domain) {
  const Gva va{domain.vcpu(0).read<uint64_t>(domain.space().start_info + offsetof(start_info, pt_base))};
  return {va, domain.gfn_of(va)};
}

Page leaf_table(Domain& domain, Gva va) {
  Page table = root_table(domain);
  for (unsigned level = kRootLevel; level > 1; --level) {
    table = table_behind(domain, entry_at(domain.vcpu(0), table, index_of(va, level)));
  }
  return table;
}

LeafEntry leaf_entry(Domain& domain, Gva va) {
  const Page table = leaf_table(domain, va);
  const uint64_t offset = index_of(va, 1) * sizeof(uint64_t);
  const Gva at = table.va + offset;
  return {at, (table.frame.raw() << kPageShift) + offset, domain.vcpu(0).read<uint64_t>(at)};
}

Window open_window(Vcpu& vcpu, Entries leaves, unsigned slot) {
  MmuOps ops(vcpu);
  Window window;
  window.slot = slot;
  window.l1 = table_page(vcpu, leaves);
  window.l2 = table_page(vcpu, {{0, make_entry(window.l1.frame, kBranch)}});
  window.l3 = table_page(vcpu, {{0, make_entry(window.l2.frame, kBranch)}});
  const Page root = root_table(vcpu.domain());
  must(ops.set_entry(root.frame, slot, make_entry(window.l3.frame, kBranch)), "hooking tables into the root");
  return window;
}

}  // namespace assay
