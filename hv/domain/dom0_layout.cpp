#include "hv/domain/dom0_layout.hpp"

#include "hv/base/types.hpp"

namespace hv {

namespace {

constexpr uint64_t kRegionAlign = uint64_t{4} << 20;
constexpr uint64_t kPaddingMin = uint64_t{512} << 10;

constexpr uint64_t align_up(uint64_t value, uint64_t to) {
  return (value + to - 1) & ~(to - 1);
}

/// Aligned blocks of 2^shift bytes that [start, end) touches.
constexpr uint64_t blocks(uint64_t start, uint64_t end, unsigned shift) {
  return ((end - 1) >> shift) - (start >> shift) + 1;
}

}  // namespace

TableCounts tables_for(uint64_t start, uint64_t end) {
  return {blocks(start, end, 21), blocks(start, end, 30), blocks(start, end, 39)};
}

Dom0Layout lay_out_dom0(const KernelImage& kernel, uint64_t initrd_bytes, uint64_t pages) {
  Dom0Layout layout{};
  layout.base = kernel.virt_base;
  layout.initrd = align_up(kernel.end, kPageSize);
  layout.p2m = align_up(layout.initrd + initrd_bytes, kPageSize);
  layout.start_info = align_up(layout.p2m + pages * sizeof(uint64_t), kPageSize);
  layout.page_tables = layout.start_info + kPageSize;
  // The tables map themselves: more of them can mean more to map.
  for (uint64_t frames = 1;; ++frames) {
    layout.page_table_frames = frames;
    layout.stack = layout.page_tables + frames * kPageSize;
    layout.stack_end = layout.stack + kPageSize;
    layout.end = align_up(layout.stack_end + kPaddingMin, kRegionAlign);
    if (tables_for(layout.base, layout.end).all() <= frames) return layout;
  }
}

}  // namespace hv
