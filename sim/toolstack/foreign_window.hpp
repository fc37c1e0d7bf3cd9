/// A window of the privileged domain's address space through which memory of other domains is written.
#pragma once

#include <span>
#include <vector>

#include "sim/toolstack/privileged.hpp"

namespace assay::toolstack {

/// The window's own pages are heap pages of the privileged domain; their memory is out of reach once mapped over.
/// Call unmap before a domain is left to itself: one whose frames are mapped here cannot have them made page tables,
/// nor vanish.
class ForeignWindow {
 public:
  static constexpr uint64_t kPages = 64;

  explicit ForeignWindow(const Privileged& dom0);
  ForeignWindow(const ForeignWindow&) = delete;
  ForeignWindow& operator=(const ForeignWindow&) = delete;

  /// Maps frames (PV: machine frames, HVM: gfns) of `domain`, at most kPages, from the window's start on, in place of
  /// what was there. Throws ToolstackError.
  Gva map(DomId domain, std::span<const uint64_t> frames);
  /// The same for reading alone: page tables cannot be mapped otherwise.
  Gva map_to_read(DomId domain, std::span<const uint64_t> frames);
  void unmap();

  /// Writes whole pages to the frames, window by window; pages of zeroes are filled without being transferred.
  /// `bytes` is frames.size() pages.
  void write(DomId domain, std::span<const uint64_t> frames, std::span<const std::byte> bytes);
  /// Reads whole pages, window by window.
  void read(DomId domain, std::span<const uint64_t> frames, std::span<std::byte> bytes);

 private:
  Gva map(DomId domain, std::span<const uint64_t> frames, uint64_t attributes);
  struct Update {
    uint64_t page, entry;
  };
  void apply(std::span<const Update> updates, const DomId* foreign);
  [[nodiscard]] Gva page(uint64_t index) const { return start_ + index * kPageSize; }

  const Privileged* dom0_;
  Gva start_;
  uint64_t mapped_ = 0;
};

}  // namespace assay::toolstack
