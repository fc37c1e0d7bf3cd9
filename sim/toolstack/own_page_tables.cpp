#include "sim/toolstack/own_page_tables.hpp"

#include <algorithm>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/page_tables.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {

namespace {

constexpr unsigned kRootLevel = 4;

Gva entry_in(Gva table, Gva va, unsigned level) {
  return table + table_index(va, level) * sizeof(uint64_t);
}

}  // namespace

void OwnPageTables::read(Gva va, std::span<uint64_t> values) const {
  if (domain_->vcpu(0).read_bytes(va, std::as_writable_bytes(values))) {
    throw ToolstackError("the privileged domain cannot read its page tables and the M2P");
  }
}

uint64_t OwnPageTables::read(Gva va) const {
  uint64_t value = 0;
  read(va, std::span(&value, 1));
  return value;
}

Gva OwnPageTables::table_of(uint64_t entry) const {
  if ((entry & kPtePresent) == 0) throw ToolstackError("the privileged domain's page tables end too early");
  const uint64_t frame = (entry & kPteFrame) >> kPageShift;
  const uint64_t pfn = read(Gva{MACH2PHYS_VIRT_START} + frame * sizeof(uint64_t));
  if (pfn >= domain_->space().pages)
    throw ToolstackError("the M2P has no pfn for a page table of the privileged domain");
  return Gva{domain_->space().va_offset + pfn * kPageSize};
}

Gva OwnPageTables::l1_entry(Gva va) const {
  Gva table{read(domain_->space().start_info + offsetof(start_info, pt_base))};
  for (unsigned level = kRootLevel; level > 1; --level) table = table_of(read(entry_in(table, va, level)));
  return entry_in(table, va, 1);
}

std::vector<Mfn> OwnPageTables::frames_at(Gva va, uint64_t count) const {
  std::vector<Mfn> frames;
  while (frames.size() < count) {
    const Gva page = va + frames.size() * kPageSize;
    std::vector<uint64_t> entries(std::min(count - frames.size(), kTableEntries - table_index(page, 1)));
    read(l1_entry(page), entries);
    for (const uint64_t entry : entries) {
      if ((entry & kPtePresent) == 0) throw ToolstackError("nothing is mapped where a foreign frame was expected");
      frames.emplace_back((entry & kPteFrame) >> kPageShift);
    }
  }
  return frames;
}

}  // namespace assay::toolstack
