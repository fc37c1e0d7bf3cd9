/// Bits of control registers. Source: AMD64 manual, volume 2, chapter 3.1.
#pragma once

#include <cstdint>

namespace hv {

constexpr uint64_t kCr0ProtectedMode = 1u << 0;
constexpr uint64_t kCr0ExtensionType = 1u << 4;
constexpr uint64_t kCr0WriteProtect = 1u << 16;
constexpr uint64_t kCr0Paging = 1u << 31;
constexpr uint64_t kCr4LargePages = 1u << 4;
constexpr uint64_t kCr4Pae = 1u << 5;
constexpr uint64_t kEferLongMode = 1u << 8;
constexpr uint64_t kEferLongActive = 1u << 10;

}  // namespace hv
