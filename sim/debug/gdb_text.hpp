/// The notation inside packets: hexadecimal numbers and bytes, separated by punctuation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::debug {

/// Value of a hexadecimal digit, -1 when it is none.
int hex_digit(char digit);
/// A number without leading zeroes.
std::string hex_number(uint64_t value);
/// Two digits a byte.
std::string hex_bytes(std::span<const std::byte> bytes);
std::string hex_text(std::string_view text);
/// The low `bytes` bytes of a value, the lowest first.
std::string hex_little_endian(uint64_t value, size_t bytes);
/// None when the digits are not digits, or not in pairs.
std::optional<std::vector<std::byte>> bytes_of_hex(std::string_view digits);
std::optional<std::string> text_of_hex(std::string_view digits);
std::optional<uint64_t> little_endian_of_hex(std::string_view digits);

/// A run of bytes as packets name it.
struct Range {
  uint64_t address;
  uint64_t length;
};

/// Reads a packet from left to right. What does not parse stays where it is.
class TextReader {
 public:
  explicit TextReader(std::string_view text) : rest_(text) {}
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool done() const { return rest_.empty(); }
  /// Steps over `expected` when it comes next.
  bool take(std::string_view expected);
  /// 1 to 16 hexadecimal digits.
  std::optional<uint64_t> number();
  /// "ADDRESS,LENGTH"; none also when the range wraps around the end of the address space.
  std::optional<Range> range();
  /// Up to the separator, which is stepped over, or to the end.
  std::string_view until(char separator);

 private:
  std::string_view rest_;
};

}  // namespace assay::debug
