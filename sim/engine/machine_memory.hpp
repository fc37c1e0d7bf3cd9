/// Memory of a simulated machine: one region at a fixed address between guard regions, that can be cleared, frozen and
/// put back at the cost of the pages that changed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace assay {

/// Freezing keeps the contents in a memory file and maps it copy-on-write, so putting it back drops the private pages.
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
  void map(int flags);

  uint64_t bytes_;
  int file_ = -1;
  uint8_t* reserved_ = nullptr;
  uint8_t* data_ = nullptr;
};

}  // namespace assay
