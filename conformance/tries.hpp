/// How often a case was played in one run.
#pragma once

#include <cstdint>

namespace assay {

/// More than once only where a subject that cannot repeat itself has failed.
struct Tries {
  uint32_t played = 1;
  uint32_t failed = 0;  ///< 0 as long as it was played once, whatever came of it

  [[nodiscard]] bool differ() const { return played > 1 && failed < played; }
};

}  // namespace assay
