#include "sim/guest/memory/guest_memory.hpp"

#include <algorithm>

namespace assay {

namespace {

// Page-table entries. Source: AMD64 manual, volume 2, chapter 5.
constexpr uint64_t kPresent = 1ull << 0;
constexpr uint64_t kWritable = 1ull << 1;
constexpr uint64_t kUser = 1ull << 2;
constexpr uint64_t kAccessed = 1ull << 5;
constexpr uint64_t kDirty = 1ull << 6;
constexpr uint64_t kLarge = 1ull << 7;
constexpr uint64_t kNoExecute = 1ull << 63;
constexpr uint64_t kAddressMask = 0x000ffffffffff000u;

// Page-fault error code.
constexpr uint32_t kErrorPresent = 1u << 0;
constexpr uint32_t kErrorWrite = 1u << 1;
constexpr uint32_t kErrorUser = 1u << 2;
constexpr uint32_t kErrorReserved = 1u << 3;
constexpr uint32_t kErrorFetch = 1u << 4;

constexpr uint64_t kCr0WriteProtect = 1ull << 16;
constexpr uint64_t kCr0Paging = 1ull << 31;
constexpr uint32_t kVectorGeneralProtection = 13;
constexpr uint32_t kVectorPageFault = 14;
constexpr unsigned kTopLevel = 4;

constexpr unsigned shift_of(unsigned level) {
  return ASSAY_PAGE_SHIFT + 9 * (level - 1);
}
constexpr uint64_t slot(uint64_t address, unsigned level) {
  return address >> shift_of(level) & 511;
}
constexpr bool is_canonical(uint64_t va) {
  return va + (1ull << 47) < 1ull << 48;
}

/// A leaf above level 1 maps its whole span; level 4 has no leaves.
constexpr bool is_leaf(uint64_t entry, unsigned level) {
  return level == 1 || (level < kTopLevel && (entry & kLarge) != 0);
}
constexpr uint64_t leaf_address(uint64_t entry, uint64_t address, unsigned level) {
  const uint64_t span = (1ull << shift_of(level)) - 1;
  return (entry & kAddressMask & ~span) | (address & span);
}

}  // namespace

void GuestMemory::switch_to(const std::array<uint64_t, 5>& key) {
  key_ = key;
  ++generation_;
}

uint64_t* GuestMemory::entry_at(uint64_t machine_address) const {
  if (machine_address >> ASSAY_PAGE_SHIFT >= frames_) return nullptr;
  return reinterpret_cast<uint64_t*>(static_cast<void*>(memory_ + machine_address));
}

bool GuestMemory::refuse(uint64_t va, assay_access access, uint32_t extra, MemoryMiss& miss) const {
  const bool as_user = is_pv() || regs_->cpl == 3;
  miss = MemoryMiss{};
  miss.vector = kVectorPageFault;
  miss.error_code = extra | (access == ASSAY_ACCESS_WRITE ? kErrorWrite : 0) | (as_user ? kErrorUser : 0) |
                    (access == ASSAY_ACCESS_EXECUTE ? kErrorFetch : 0);
  miss.address = va;
  return false;
}

/// `rights`: bits that all levels agree on. `executable`: no level forbade it.
bool GuestMemory::allows(uint64_t rights, uint64_t executable, assay_access access) const {
  const bool as_user = is_pv() || regs_->cpl == 3;
  if (as_user && (rights & kUser) == 0) return false;
  if (access == ASSAY_ACCESS_EXECUTE) return executable != 0;
  if (access == ASSAY_ACCESS_READ || (rights & kWritable) != 0) return true;
  return !as_user && (regs_->cr0 & kCr0WriteProtect) == 0;
}

bool GuestMemory::walk_guest(uint64_t va, assay_access access, Marks marks, Leaf& leaf, MemoryMiss& miss) {
  uint64_t table = regs_->cr3 & kAddressMask;
  uint64_t rights = ~0ull;
  uint64_t executable = kNoExecute;
  for (unsigned level = kTopLevel;; --level) {
    Leaf machine;
    if (!to_machine(table + slot(va, level) * sizeof(uint64_t), ASSAY_ACCESS_READ, machine, miss)) return false;
    uint64_t* const entry = entry_at(machine.address);
    if (entry == nullptr) return refuse(va, access, kErrorPresent | kErrorReserved, miss);
    if ((*entry & kPresent) == 0) return refuse(va, access, 0, miss);
    rights &= *entry;
    executable &= ~*entry;
    const bool is_last = is_leaf(*entry, level);
    if (is_last && !allows(rights, executable, access)) return refuse(va, access, kErrorPresent, miss);
    const uint64_t wanted = kAccessed | (is_last && access == ASSAY_ACCESS_WRITE ? kDirty : 0);
    if (marks == Marks::kSet && (*entry & wanted) != wanted) *entry |= wanted;
    leaf.is_accessed = leaf.is_accessed && (*entry & kAccessed) != 0;
    if (is_last) {
      // Until the dirty bit is set a write has to come this way.
      leaf.is_writable = allows(rights, executable, ASSAY_ACCESS_WRITE) && (*entry & kDirty) != 0;
      leaf.is_executable = allows(rights, executable, ASSAY_ACCESS_EXECUTE);
      leaf.address = leaf_address(*entry, va, level);
      return true;
    }
    table = *entry & kAddressMask;
  }
}

bool GuestMemory::walk_stage2(uint64_t gpa, assay_access access, Leaf& leaf, MemoryMiss& miss) const {
  miss = MemoryMiss{};
  miss.stage2 = true;
  miss.access = access;
  miss.address = gpa;
  if (gpa >> 48 != 0) return false;
  uint64_t table = key_[2] << ASSAY_PAGE_SHIFT;
  uint64_t rights = ~0ull;
  for (unsigned level = kTopLevel;; --level) {
    const uint64_t* const entry = entry_at(table + slot(gpa, level) * sizeof(uint64_t));
    if (entry == nullptr || (*entry & kPresent) == 0) return false;
    rights &= *entry;
    if (is_leaf(*entry, level)) {
      leaf.is_writable = (rights & kWritable) != 0;
      leaf.address = leaf_address(*entry, gpa, level);
      return access != ASSAY_ACCESS_WRITE || leaf.is_writable;
    }
    table = *entry & kAddressMask;
  }
}

bool GuestMemory::to_machine(uint64_t address, assay_access access, Leaf& machine, MemoryMiss& miss) const {
  if (!is_pv()) return walk_stage2(address, access, machine, miss);
  machine.address = address;
  return true;
}

bool GuestMemory::walk_all(uint64_t va, assay_access access, Marks marks, Leaf& leaf, MemoryMiss& miss) {
  leaf = Leaf{};
  leaf.address = va;
  if (is_pv() || (regs_->cr0 & kCr0Paging) != 0) {
    if (!is_canonical(va)) {
      miss = MemoryMiss{};
      miss.vector = kVectorGeneralProtection;
      return false;
    }
    if (!walk_guest(va, access, marks, leaf, miss)) return false;
  }
  Leaf machine;
  if (!to_machine(leaf.address, access, machine, miss)) return false;
  leaf.address = machine.address;
  leaf.is_writable = leaf.is_writable && machine.is_writable;
  return machine.address >> ASSAY_PAGE_SHIFT < frames_ || refuse(va, access, kErrorPresent | kErrorReserved, miss);
}

uint8_t* GuestMemory::walk(uint64_t va, assay_access access, MemoryMiss& miss) {
  Leaf leaf;
  if (!walk_all(va, access, Marks::kSet, leaf, miss)) return nullptr;
  uint8_t* const host = memory_ + (leaf.address & ~kOffsetMask);
  // Only data is cached: a fetch is rare and has rights of its own.
  if (access != ASSAY_ACCESS_EXECUTE) {
    tlb_[(va >> kShift) % kEntries] = {va & ~kOffsetMask, host, generation_, leaf.is_writable};
  }
  return host + (va & kOffsetMask);
}

GuestMemory::Translation GuestMemory::translation(uint64_t va) {
  Leaf leaf;
  MemoryMiss miss;
  if (!walk_all(va & ~kOffsetMask, ASSAY_ACCESS_READ, Marks::kLeave, leaf, miss)) return {};
  return {memory_ + leaf.address, leaf.is_accessed, leaf.is_writable, leaf.is_executable};
}

bool GuestMemory::read(uint64_t va, void* to, size_t bytes, MemoryMiss& miss) {
  auto* out = static_cast<uint8_t*>(to);
  while (bytes != 0) {
    const size_t part = std::min<size_t>(bytes, ASSAY_PAGE_SIZE - (va & kOffsetMask));
    const uint8_t* const at = reach(va, ASSAY_ACCESS_READ, miss);
    if (at == nullptr) return false;
    std::memcpy(out, at, part);
    out += part;
    va += part;
    bytes -= part;
  }
  return true;
}

bool GuestMemory::write(uint64_t va, const void* from, size_t bytes, MemoryMiss& miss) {
  const auto* in = static_cast<const uint8_t*>(from);
  while (bytes != 0) {
    const size_t part = std::min<size_t>(bytes, ASSAY_PAGE_SIZE - (va & kOffsetMask));
    uint8_t* const at = reach(va, ASSAY_ACCESS_WRITE, miss);
    if (at == nullptr) return false;
    std::memcpy(at, in, part);
    in += part;
    va += part;
    bytes -= part;
  }
  return true;
}

}  // namespace assay
