#include "conformance/guest/own_tables.hpp"

#include "sim/abi/xen.hpp"

namespace assay {
namespace {

constexpr uint64_t kFrameMask = 0x000f'ffff'ffff'f000;
constexpr unsigned kIndexBits = 9;
constexpr unsigned kRootLevel = 4;

Gva entry_in(Gva table, Gva va, unsigned level) {
  const uint64_t index = (va.raw() >> (kPageShift + kIndexBits * (level - 1))) % (1u << kIndexBits);
  return table + index * sizeof(uint64_t);
}

Gva table_of(Vcpu& vcpu, uint64_t entry) {
  if ((entry & 1) == 0) throw HarnessFault("the guest has no level 1 table for an address");
  const uint64_t frame = (entry & kFrameMask) >> kPageShift;
  const auto pfn = vcpu.read<uint64_t>(Gva{MACH2PHYS_VIRT_START + frame * sizeof(uint64_t)});
  if (pfn >= vcpu.domain().space().pages) throw HarnessFault("the M2P has no pfn for a page table of the guest");
  return Gva{vcpu.domain().space().va_offset + pfn * kPageSize};
}

}  // namespace

OwnEntry own_entry(Vcpu& vcpu, Gva va) {
  Domain& domain = vcpu.domain();
  Gva table{vcpu.read<uint64_t>(domain.space().start_info + offsetof(start_info, pt_base))};
  for (unsigned level = kRootLevel; level > 1; --level) {
    table = table_of(vcpu, vcpu.read<uint64_t>(entry_in(table, va, level)));
  }
  const Gva at = entry_in(table, va, 1);
  const uint64_t machine = domain.gfn_of(table).raw() * kPageSize + at.raw() % kPageSize;
  return {at, machine, vcpu.read<uint64_t>(at)};
}

}  // namespace assay
