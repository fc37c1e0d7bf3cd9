/// Which pages of a region may have been written to since they were last looked at.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/engine/core_trap.hpp"

namespace assay {

/// Pages are read-only until somebody writes to them: the fault notes the page and makes it writable. It stays so
/// while sweeps find it changed, as a fault costs dozens of comparisons: what writes the same pages again and again
/// takes no fault. A page that kIdleSweepsMax sweeps in a row find unchanged is read-only again.
class DirtyPages final : private WriteFaultTarget {
 public:
  static constexpr unsigned kIdleSweepsMax = 32;
  /// Pages, aligned alike, that a fault makes writable together.
  static constexpr uint32_t kPagesPerFault = 4;

  /// The region is mapped read-only, and stays mapped.
  DirtyPages(uint8_t* data, uint32_t pages);

  [[nodiscard]] size_t count() const { return count_; }
  /// Makes pages writable and notes them, as if they had been written to. `pages` ascends.
  void open(std::span<const uint32_t> pages);
  /// Calls `has_changed(page)` once for each noted page. Nobody writes to the region meanwhile but has_changed itself.
  template <typename HasChanged>
  void sweep(HasChanged&& has_changed);
  /// All pages are read-only and none is noted.
  void forget();

 private:
  bool on_write_fault(uintptr_t address) noexcept override;
  bool open_run(uint32_t first, uint32_t end) noexcept;
  void note(uint32_t page) noexcept;
  void close(std::vector<uint32_t>& pages);
  [[nodiscard]] bool protect(uint32_t first, uint32_t end, int protection) const noexcept;

  uint8_t* data_;
  uint32_t pages_;
  // Handlers on several threads may note pages at a time.
  std::vector<std::atomic<uint8_t>> age_;  ///< 0: read-only; otherwise 1 + sweeps since it had changed
  std::vector<uint32_t> noted_;            ///< each page once; the first count_ are valid
  std::atomic<size_t> count_ = 0;
  std::vector<uint32_t> expired_;
  WriteFaultScope scope_;
};

template <typename HasChanged>
void DirtyPages::sweep(HasChanged&& has_changed) {
  size_t kept = 0;
  const size_t count = count_;
  expired_.clear();
  for (size_t i = 0; i < count; ++i) {
    const uint32_t page = noted_[i];
    const unsigned age = has_changed(page) ? 1 : age_[page] + 1u;
    if (age > kIdleSweepsMax) {
      expired_.push_back(page);
      age_[page] = 0;
    } else {
      noted_[kept++] = page;
      age_[page].store(static_cast<uint8_t>(age), std::memory_order_relaxed);
    }
  }
  count_ = kept;
  if (!expired_.empty()) close(expired_);
}

}  // namespace assay
