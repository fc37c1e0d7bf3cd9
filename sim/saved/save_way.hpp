/// How a guest is saved.
#pragma once

#include <cstdint>

namespace assay {

struct SaveWay {
  bool is_live = false;      ///< memory is sent while it runs, and then what it wrote meanwhile; PVH only
  uint64_t checkpoints = 0;  ///< states before the last one, after each of which it goes on; not together with is_live
};

}  // namespace assay
