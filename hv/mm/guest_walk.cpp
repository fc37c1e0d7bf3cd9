#include "hv/mm/guest_walk.hpp"

#include "hv/base/x86.hpp"
#include "hv/mm/frame_table.hpp"
#include "hv/mm/on_demand.hpp"
#include "hv/mm/page_tables.hpp"
#include "hv/mm/stage2.hpp"
#include "sim/abi/xen.hpp"

namespace hv {

namespace {

constexpr uint64_t kPageMask = kPageSize - 1;

/// Addresses that a PV64 guest can have at all: canonical and not the hypervisor's.
bool pv_address_ok(Gva va) {
  return va.raw() < uint64_t{1} << 47 || va.raw() >= HYPERVISOR_VIRT_END;
}

void mark(uint64_t& pte, uint64_t bits) {
  if ((pte & bits) != bits) pte |= bits;
}

uint8_t* pv_bytes(uint64_t cr3, Gva va, bool write) {
  if (!pv_address_ok(va)) return nullptr;
  const uint64_t wanted = kPtePresent | kPteUser | (write ? kPteWritable : 0);
  Mfn table = pte_mfn(cr3);
  for (unsigned level = 4;; --level) {
    if (!frame_valid(table)) return nullptr;
    uint64_t& pte = frame_as<uint64_t>(table)[pte_index(va, level)];
    if ((pte & wanted) != wanted) return nullptr;
    mark(pte, level == 1 && write ? kPteAccessed | kPteDirty : kPteAccessed);
    table = pte_mfn(pte);
    if (level == 1) break;
  }
  return frame_valid(table) ? frame_bytes(table) + (va.raw() & kPageMask) : nullptr;
}

/// One kind of HVM page table: how its entries are indexed and how large they are.
struct PagingMode {
  unsigned levels;
  unsigned entry_bytes;
  unsigned index_bits;
  bool large_at_3;
  bool large_at_2;
};

uint64_t read_entry(const uint8_t* at, unsigned bytes) {
  if (bytes == 8) return *reinterpret_cast<const uint64_t*>(at);
  return *reinterpret_cast<const uint32_t*>(at);
}

/// The host address behind a guest-physical one; an entry on demand gets its memory now.
uint8_t* physical_bytes(DomainMemory& memory, Gpa gpa, bool write) {
  uint8_t* at = stage2_bytes(memory, gpa, write);
  if (at == nullptr && on_demand_touch(memory, Gfn{gpa.raw() >> kPageShift})) at = stage2_bytes(memory, gpa, write);
  return at;
}

/// A/D bits are the low byte of an entry of either size. A table in read-only guest memory keeps what it has.
void mark_entry(const DomainMemory& memory, uint64_t entry_gpa, uint64_t entry, uint64_t bits) {
  if ((entry & bits) == bits) return;
  uint8_t* at = stage2_bytes(memory, Gpa{entry_gpa}, true);
  if (at != nullptr) *at |= static_cast<uint8_t>(bits);
}

PagingMode paging_mode(const assay_regs& regs) {
  if ((regs.efer & kEferLongActive) != 0) return {4, 8, 9, true, true};
  if ((regs.cr4 & kCr4Pae) != 0) return {3, 8, 9, false, true};
  return {2, 4, 10, false, (regs.cr4 & kCr4LargePages) != 0};
}

/// The guest-physical address behind a linear one, for an access of the guest's kernel. False when there is none.
bool hvm_translate(const AddressSpace& space, uint64_t va, bool write, uint64_t& gpa) {
  const assay_regs& regs = *space.regs;
  const PagingMode mode = paging_mode(regs);
  if (mode.levels < 4) va &= 0xffff'ffff;
  const bool needs_write = write && (regs.cr0 & kCr0WriteProtect) != 0;
  uint64_t table = regs.cr3 & (mode.levels == 3 ? 0xffff'ffe0u : kPteFrame);
  for (unsigned level = mode.levels;; --level) {
    const unsigned shift = kPageShift + mode.index_bits * (level - 1);
    const uint64_t index = (va >> shift) & ((uint64_t{1} << mode.index_bits) - 1);
    const uint64_t entry_gpa = table + index * mode.entry_bytes;
    const uint8_t* at = physical_bytes(*space.memory, Gpa{entry_gpa}, false);
    if (at == nullptr) return false;
    const uint64_t entry = read_entry(at, mode.entry_bytes);
    const bool pae_root = mode.levels == 3 && level == 3;  // these entries have neither rights nor A/D bits
    if ((entry & kPtePresent) == 0 || (needs_write && !pae_root && (entry & kPteWritable) == 0)) return false;
    const bool large = (entry & kPteLarge) != 0 && ((level == 3 && mode.large_at_3) || (level == 2 && mode.large_at_2));
    const bool last = level == 1 || large;
    if (!pae_root) mark_entry(*space.memory, entry_gpa, entry, last && write ? kPteAccessed | kPteDirty : kPteAccessed);
    table = entry & kPteFrame;
    if (!last) continue;
    const uint64_t offset_mask = (uint64_t{1} << shift) - 1;
    gpa = (table & ~offset_mask) | (va & offset_mask);
    return true;
  }
}

bool canonical(uint64_t va) {
  return va < uint64_t{1} << 47 || va >= ~uint64_t{0} << 47;
}

uint8_t* hvm_bytes(const AddressSpace& space, Gva va, bool write) {
  uint64_t gpa = va.raw();
  if ((space.regs->cr0 & kCr0Paging) != 0) {
    if ((space.regs->efer & kEferLongActive) != 0 && !canonical(va.raw())) return nullptr;
    if (!hvm_translate(space, va.raw(), write, gpa)) return nullptr;
  }
  return physical_bytes(*space.memory, Gpa{gpa}, write);
}

}  // namespace

uint8_t* guest_bytes(const AddressSpace& space, Gva va, Access access) {
  const bool write = access == Access::kWrite;
  return space.memory->kind == GuestKind::kPv64 ? pv_bytes(space.regs->cr3, va, write) : hvm_bytes(space, va, write);
}

Mfn leaf_table_of(const AddressSpace& space, Gva va) {
  if (!pv_address_ok(va)) return kInvalidMfn;
  Mfn table = pte_mfn(space.regs->cr3);
  for (unsigned level = 4; level > 1; --level) {
    if (!frame_valid(table)) return kInvalidMfn;
    const uint64_t pte = frame_as<uint64_t>(table)[pte_index(va, level)];
    if ((pte & kPtePresent) == 0) return kInvalidMfn;
    table = pte_mfn(pte);
  }
  // A linear entry on the way leads to a table of another level.
  return is_leaf_table(*space.memory, table) ? table : kInvalidMfn;
}

bool is_leaf_table(const DomainMemory& memory, Mfn table) {
  if (!frame_valid(table)) return false;
  const FrameInfo& info = frame_info(table);
  return info.owner == &memory && info.type == PageType::kL1 && info.validated;
}

}  // namespace hv
