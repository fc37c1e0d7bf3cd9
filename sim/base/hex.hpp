/// Addresses in messages.
#pragma once

#include <array>
#include <cstdint>
#include <cstdio>
#include <string>

namespace assay {

/// `0x` and digits, without zeros in front.
inline std::string hex(uint64_t value) {
  std::array<char, 24> text{};
  std::snprintf(text.data(), text.size(), "0x%llx", static_cast<unsigned long long>(value));
  return text.data();
}

}  // namespace assay
