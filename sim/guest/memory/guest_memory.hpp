/// How an in-process guest reaches its memory: as the processor does, through the page tables in machine memory.
///
/// PV64: four levels from CR3 in machine frames, as ring 3 (the whole of a PV guest runs there). HVM: CR3 in guest
/// frames when paging is on, each step again through the second-stage table. Accessed and dirty bits are set. A frame
/// that the machine does not have behaves as reserved bits do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "sim/port/port.h"

namespace assay {

/// Why an address could not be reached: an exception for the guest, or a second-stage fault for the core.
struct MemoryMiss {
  bool stage2 = false;
  uint32_t vector = 0;
  uint32_t error_code = 0;
  uint32_t access = 0;   ///< STAGE2: enum assay_access
  uint64_t address = 0;  ///< linear address, or guest-physical for STAGE2
};

class GuestMemory {
 public:
  GuestMemory(uint8_t* memory, uint64_t frames) : memory_(memory), frames_(frames) {}

  /// The address space of what runs now. Drops cached translations when it is another one or `tlb_version` changed.
  void use(const assay_run& run) {
    const assay_regs& regs = *run.regs;
    const uint64_t level = run.mode == ASSAY_MODE_HVM ? uint64_t{regs.cpl} << 32 : 0;
    const std::array<uint64_t, 5> key = {regs.cr3, run.tlb_version, run.stage2_root, regs.cr0, run.mode | level};
    if (key != key_) switch_to(key);
    regs_ = &regs;
  }
  void forget() {
    key_ = {};
    ++generation_;
  }

  /// Host address of one byte, good up to the end of its page; null when it misses.
  uint8_t* reach(uint64_t va, assay_access access, MemoryMiss& miss) {
    const Entry& entry = tlb_[(va >> kShift) % kEntries];
    const bool allowed = access == ASSAY_ACCESS_READ || (access == ASSAY_ACCESS_WRITE && entry.is_writable);
    const bool hit = entry.page_va == (va & ~kOffsetMask) && entry.generation == generation_ && allowed;
    if (hit) return entry.host + (va & kOffsetMask);
    return walk(va, access, miss);
  }

  /// What the translation of a page allows now, without touching it: no bit is set and nothing is remembered.
  struct Translation {
    uint8_t* host = nullptr;   ///< start of the page; null: there is none
    bool is_accessed = false;  ///< false: reach() first, which sets the bits that hardware would
    bool is_writable = false;  ///< and dirty already
    bool is_executable = false;
  };
  [[nodiscard]] Translation translation(uint64_t va);
  /// Grows whenever what was translated before may have become stale.
  [[nodiscard]] uint32_t generation() const { return generation_; }

  /// Copies that may cross pages. False on a miss; what was transferred before it stays.
  bool read(uint64_t va, void* to, size_t bytes, MemoryMiss& miss);
  bool write(uint64_t va, const void* from, size_t bytes, MemoryMiss& miss);

  template <typename T>
  bool load(uint64_t va, T& value, MemoryMiss& miss) {
    if ((va & kOffsetMask) + sizeof(T) > ASSAY_PAGE_SIZE) return read(va, &value, sizeof(T), miss);
    const uint8_t* const at = reach(va, ASSAY_ACCESS_READ, miss);
    if (at != nullptr) std::memcpy(&value, at, sizeof(T));
    return at != nullptr;
  }
  template <typename T>
  bool store(uint64_t va, const T& value, MemoryMiss& miss) {
    if ((va & kOffsetMask) + sizeof(T) > ASSAY_PAGE_SIZE) return write(va, &value, sizeof(T), miss);
    uint8_t* const at = reach(va, ASSAY_ACCESS_WRITE, miss);
    if (at != nullptr) std::memcpy(at, &value, sizeof(T));
    return at != nullptr;
  }

  static constexpr uint64_t kOffsetMask = ASSAY_PAGE_SIZE - 1;

 private:
  static constexpr unsigned kShift = ASSAY_PAGE_SHIFT;
  static constexpr size_t kEntries = 256;

  struct Entry {
    uint64_t page_va = 1;  // never the start of a page
    uint8_t* host = nullptr;
    uint32_t generation = 0;
    bool is_writable = false;
  };
  /// What a walk found: the physical address in the terms of its table, and what may be done there without another
  /// walk.
  struct Leaf {
    uint64_t address = 0;
    bool is_writable = true;
    bool is_executable = true;
    bool is_accessed = true;
  };
  enum class Marks : uint8_t { kSet, kLeave };  ///< accessed and dirty bits

  void switch_to(const std::array<uint64_t, 5>& key);
  uint8_t* walk(uint64_t va, assay_access access, MemoryMiss& miss);
  bool walk_guest(uint64_t va, assay_access access, Marks marks, Leaf& leaf, MemoryMiss& miss);
  /// Both stages. False on a miss.
  bool walk_all(uint64_t va, assay_access access, Marks marks, Leaf& leaf, MemoryMiss& miss);
  bool walk_stage2(uint64_t gpa, assay_access access, Leaf& leaf, MemoryMiss& miss) const;
  /// Machine address of what the guest calls physical. PV64: the same.
  bool to_machine(uint64_t address, assay_access access, Leaf& machine, MemoryMiss& miss) const;
  [[nodiscard]] uint64_t* entry_at(uint64_t machine_address) const;
  [[nodiscard]] bool is_pv() const { return key_[4] == ASSAY_MODE_PV64; }
  [[nodiscard]] bool refuse(uint64_t va, assay_access access, uint32_t extra, MemoryMiss& miss) const;
  [[nodiscard]] bool allows(uint64_t rights, uint64_t executable, assay_access access) const;

  uint8_t* memory_;
  uint64_t frames_;
  const assay_regs* regs_ = nullptr;
  std::array<uint64_t, 5> key_{};
  uint32_t generation_ = 1;
  std::array<Entry, kEntries> tlb_{};
};

}  // namespace assay
