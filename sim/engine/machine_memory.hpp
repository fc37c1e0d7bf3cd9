/// Memory of a simulated machine: one region at a fixed address between guard regions, that can be cleared, frozen and
/// put back at the cost of the pages that changed.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace assay {

/// Freezing keeps the contents in a memory file and maps it copy-on-write. Putting it back copies into the pages that
/// have become private, which stay: the next case writes to much the same ones, and a page fault costs ten copies.
class MachineMemory {
 public:
  /// Maps `bytes` (a multiple of the page size) at `address`, or at the first free one of a few places after it: an
  /// address that does not vary between runs keeps pointers inside the region alike. Throws std::system_error.
  MachineMemory(uintptr_t address, uint64_t bytes);
  MachineMemory(const MachineMemory&) = delete;
  MachineMemory& operator=(const MachineMemory&) = delete;
  ~MachineMemory();

  [[nodiscard]] uint8_t* data() const { return data_; }
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

  /// All zeroes again, not frozen.
  void clear();
  /// From now on rewind() comes back to the contents of this moment.
  void freeze();
  /// Back to the frozen contents.
  void rewind();

  /// True when `address` lies in the region or in a guard beside it.
  [[nodiscard]] bool near(uintptr_t address) const;
  /// True when `address` lies in the region itself.
  [[nodiscard]] bool inside(uintptr_t address) const;

  static constexpr uint64_t kGuardBytes = 1ull << 30;

 private:
  static constexpr uint64_t kPageBytes = 4096;
  /// Private pages that are worth keeping; beyond, all are dropped.
  static constexpr size_t kKeptMax = 16'384;

  void map(int flags);
  bool restore_private_pages();

  uint64_t bytes_;
  int file_ = -1;
  uint8_t* reserved_ = nullptr;
  uint8_t* data_ = nullptr;
  const uint8_t* frozen_ = nullptr;  ///< the same memory as the file has it
  int page_map_ = -1;                ///< of this process: which pages are private
  pid_t page_map_owner_ = -1;
  std::vector<uint64_t> entries_;
};

}  // namespace assay
