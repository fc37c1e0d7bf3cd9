/// How values appear in the messages of cases: results with their errno names, addresses in hexadecimal.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include "sim/base/strong.hpp"

namespace assay {

std::string show_signed(int64_t value);        ///< "0", "17", "-EINVAL (-22)"
std::string show_unsigned(uint64_t value);     ///< "9", "4096 (0x1000)"
std::string show_text(std::string_view text);  ///< quoted, control characters escaped

template <typename T>
std::string show(const T& value) {
  if constexpr (std::same_as<T, bool>) {
    return value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    return show(static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::signed_integral<T>) {
    return show_signed(static_cast<int64_t>(value));
  } else if constexpr (std::unsigned_integral<T>) {
    return show_unsigned(static_cast<uint64_t>(value));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    return show_text(value);
  } else {
    return show(value.raw());
  }
}

template <typename T>
std::string show(const std::optional<T>& value) {
  return value ? show(*value) : std::string("nothing");
}

}  // namespace assay
