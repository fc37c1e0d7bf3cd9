/// Exceptions of the processor and what steers them. Source: AMD64 manual, volume 2, chapters 3.1.6 and 8.
#pragma once

#include <cstdint>

namespace assay {

constexpr uint32_t kExceptionVectors = 32;
constexpr uint32_t kVectorDebug = 1, kVectorBreakpoint = 3, kVectorOverflow = 4, kVectorInvalidOpcode = 6,
                   kVectorNoDevice = 7;
constexpr uint32_t kVectorProtection = 13, kVectorPageFault = 14;
/// In error codes: the selector is one of the IDT.
constexpr uint32_t kErrorFromIdt = 2;

/// In rflags: interrupts are taken.
constexpr uint64_t kFlagInterrupt = 1u << 9;
/// In rflags: no debug exception at the next instruction.
constexpr uint64_t kFlagResume = 1u << 16;

/// #DF #TS #NP #SS #GP #PF #AC #CP push an error code.
constexpr bool has_error_code(uint32_t vector) {
  constexpr uint32_t kWithCode = 0x227d00;
  return vector < kExceptionVectors && (kWithCode >> vector & 1) != 0;
}

}  // namespace assay
