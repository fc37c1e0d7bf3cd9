/// Memory of a simulated machine: one region at a fixed address between guard regions, that can be cleared, frozen, and
/// brought back to any moment that was taken since, at the cost of the pages that differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "sim/engine/machine_dirty_pages.hpp"
#include "sim/engine/machine_page_map.hpp"

namespace assay {

/// Freezing keeps the contents in a memory file and maps it copy-on-write and read-only; the write faults that follow
/// are DirtyPages' way to learn what changes. So system calls must not write into frozen memory: they would fail with
/// EFAULT. read() into a buffer and copy. After fork() both processes may go on, but only one of them may clear().
class MachineMemory {
 public:
  /// What the memory held when it was taken: the pages that differ from the frozen contents. Moments share the pages
  /// that they have in common. They may outlive the memory.
  class Moment {
   public:
    Moment() = default;

   private:
    friend class MachineMemory;
    Moment(PageMap pages, uint64_t frozen_id) : pages_(std::move(pages)), frozen_id_(frozen_id) {}

    PageMap pages_;
    uint64_t frozen_id_ = 0;
  };

  /// Maps `bytes` (a multiple of the page size) at `address`, or at the first free one of a few places after it: an
  /// address that does not vary between runs keeps pointers inside the region alike. Throws std::system_error;
  /// std::length_error when a PageMap cannot hold that many pages.
  MachineMemory(uintptr_t address, uint64_t bytes);
  MachineMemory(const MachineMemory&) = delete;
  MachineMemory& operator=(const MachineMemory&) = delete;
  ~MachineMemory();

  [[nodiscard]] uint8_t* data() const { return data_; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

  /// All zeroes again, not frozen.
  void clear();
  /// From now on moments can be taken and gone back to. Throws std::logic_error when frozen already.
  void freeze();
  /// Back to the frozen contents. This and the next two throw std::logic_error when not frozen.
  void rewind();
  /// Costs the pages that were written to since the last moment was taken or gone back to.
  [[nodiscard]] Moment take();
  /// Costs the pages that differ. Throws std::logic_error when `moment` is not of these frozen contents.
  void go_back(const Moment& moment);

  /// True when `address` lies in the region or in a guard beside it.
  [[nodiscard]] bool near(uintptr_t address) const;
  /// True when `address` lies in the region itself.
  [[nodiscard]] bool inside(uintptr_t address) const;

  static constexpr uint64_t kGuardBytes = 1ull << 30;

 private:
  static constexpr uint64_t kPageBytes = PageMap::Page::kBytes;
  /// Written pages that are worth keeping when going back; beyond, all are dropped.
  static constexpr size_t kKeptMax = 16'384;

  void map(int flags);
  void check_frozen() const;
  [[nodiscard]] const uint8_t* contents(const PageMap& pages, uint32_t page) const;
  bool remember(uint32_t page);
  bool restore(uint32_t page, const PageMap& pages);
  void drop();

  uint64_t bytes_;
  int file_ = -1;
  uint8_t* reserved_ = nullptr;
  uint8_t* data_ = nullptr;
  const uint8_t* frozen_ = nullptr;  ///< the same memory as the file has it
  uint64_t frozen_id_ = 0;           ///< no other frozen contents of this process have it
  PageMap now_;                      ///< what pages that are not noted as dirty hold
  std::optional<DirtyPages> dirty_;  ///< while frozen
};

}  // namespace assay
