/// What the kernel of the first domain says of itself: its ELF segments and its Xen notes.
/// Source: public/elfnote.h.
#pragma once

#include <array>
#include <cstdint>

#include "hv/base/error.hpp"
#include "sim/port/port.h"

namespace hv {

/// Bytes of the file that go to `address`, then zeroes up to `bytes`.
struct KernelSegment {
  uint64_t address;  ///< virtual
  uint64_t bytes;
  const uint8_t* file;
  uint64_t file_bytes;
};

struct KernelImage {
  static constexpr uint32_t kSegmentsMax = 16;

  std::array<KernelSegment, kSegmentsMax> segments;
  uint32_t segment_count = 0;
  uint64_t start = 0;  ///< virtual addresses that the segments span
  uint64_t end = 0;

  uint64_t virt_base = 0;
  uint64_t paddr_offset = 0;
  uint64_t entry = 0;
  uint64_t hypercall_page = 0;  ///< virtual; 0 = none wanted
  bool mod_start_is_pfn = false;
};

/// EINVAL, with a line on the console: no ELF64 image for x86-64, segments outside the file, no Xen notes, or a kernel
/// that needs what is not offered or cannot be the first domain.
Status read_kernel(const assay_image& image, KernelImage& kernel);

}  // namespace hv
