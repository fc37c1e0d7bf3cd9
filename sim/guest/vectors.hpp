/// Exception vectors of the processor. Source: AMD64 manual, volume 2, chapter 8.
#pragma once

#include <cstdint>

namespace assay {

constexpr uint32_t kExceptionVectors = 32;

/// #DF #TS #NP #SS #GP #PF #AC #CP push an error code.
constexpr bool has_error_code(uint32_t vector) {
  constexpr uint32_t kWithCode = 0x227d00;
  return vector < kExceptionVectors && (kWithCode >> vector & 1) != 0;
}

}  // namespace assay
