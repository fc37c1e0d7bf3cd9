/// Where everything of a starting PV64 domain lies in its address space. Source: public/xen.h, start-of-day layout.
#pragma once

#include <cstdint>

#include "hv/domain/dom0_image.hpp"

namespace hv {

/// Virtual addresses, page-aligned, in this order; each element ends where the next one starts or before.
struct Dom0Layout {
  uint64_t base;  ///< pseudo-physical frame 0
  uint64_t initrd;
  uint64_t p2m;
  uint64_t start_info;
  uint64_t page_tables;
  uint64_t page_table_frames;
  uint64_t stack;  ///< one page
  uint64_t stack_end;
  uint64_t end;  ///< of the initial mapping: at least 512 KiB behind the stack, on a 4 MiB boundary

  [[nodiscard]] uint64_t pfn(uint64_t address) const { return (address - base) / 4096; }
  [[nodiscard]] uint64_t mapped_frames() const { return pfn(end); }
};

/// Tables of each level that a mapping of [start, end) needs.
struct TableCounts {
  uint64_t l1, l2, l3;
  [[nodiscard]] uint64_t all() const { return 1 + l3 + l2 + l1; }
};
TableCounts tables_for(uint64_t start, uint64_t end);

Dom0Layout lay_out_dom0(const KernelImage& kernel, uint64_t initrd_bytes, uint64_t pages);

}  // namespace hv
