/// The Xen notes of a kernel image.
#pragma once

#include "hv/domain/dom0_image.hpp"

namespace hv {

/// A run of bytes inside the image file.
struct FileRange {
  const uint8_t* start;
  uint64_t bytes;
};

/// What the notes of one segment told. Numbers not given keep what is in `kernel`.
struct NotesFound {
  bool any = false;
  bool entry = false;
  bool no_dom0 = false;           ///< lists its features, and XENFEAT_dom0 is not among them
  bool unknown_required = false;  ///< needs a feature that is not offered
};
void read_notes(FileRange notes, KernelImage& kernel, NotesFound& found);

}  // namespace hv
