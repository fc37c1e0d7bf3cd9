#include "sim/debug/gdb_text.hpp"

#include <algorithm>

namespace assay::debug {

namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

void append_byte(std::string& text, unsigned value) {
  text += kDigits[value >> 4 & 15];
  text += kDigits[value & 15];
}

}  // namespace

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

std::string hex_number(uint64_t value) {
  std::string text;
  do {
    text += kDigits[value & 15];
    value >>= 4;
  } while (value != 0);
  std::ranges::reverse(text);
  return text;
}

std::string hex_bytes(std::span<const std::byte> bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::byte each : bytes) append_byte(text, std::to_integer<unsigned>(each));
  return text;
}

std::string hex_text(std::string_view text) {
  return hex_bytes(std::as_bytes(std::span(text)));
}

std::string hex_little_endian(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) append_byte(text, static_cast<unsigned>(value >> 8 * i & 0xff));
  return text;
}

std::optional<std::vector<std::byte>> bytes_of_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::vector<std::byte> bytes;
  bytes.reserve(digits.size() / 2);
  for (size_t i = 0; i < digits.size(); i += 2) {
    const int high = hex_digit(digits[i]);
    const int low = hex_digit(digits[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return bytes;
}

std::optional<std::string> text_of_hex(std::string_view digits) {
  const auto bytes = bytes_of_hex(digits);
  if (!bytes) return std::nullopt;
  std::string text;
  for (const std::byte each : *bytes) text += static_cast<char>(each);
  return text;
}

std::optional<uint64_t> little_endian_of_hex(std::string_view digits) {
  const auto bytes = bytes_of_hex(digits);
  if (!bytes || bytes->empty() || bytes->size() > sizeof(uint64_t)) return std::nullopt;
  uint64_t value = 0;
  for (size_t i = 0; i < bytes->size(); ++i) value |= std::to_integer<uint64_t>((*bytes)[i]) << 8 * i;
  return value;
}

bool TextReader::take(std::string_view expected) {
  if (!rest_.starts_with(expected)) return false;
  rest_.remove_prefix(expected.size());
  return true;
}

std::optional<uint64_t> TextReader::number() {
  constexpr size_t kDigitsMax = 16;
  size_t count = 0;
  uint64_t value = 0;
  for (; count < rest_.size() && hex_digit(rest_[count]) >= 0; ++count) {
    if (count == kDigitsMax) return std::nullopt;
    value = value << 4 | static_cast<uint64_t>(hex_digit(rest_[count]));
  }
  if (count == 0) return std::nullopt;
  rest_.remove_prefix(count);
  return value;
}

std::optional<Range> TextReader::range() {
  const auto address = number();
  if (!address || !take(",")) return std::nullopt;
  const auto length = number();
  if (!length || (*length != 0 && *address + (*length - 1) < *address)) return std::nullopt;
  return Range{*address, *length};
}

std::string_view TextReader::until(char separator) {
  const size_t end = rest_.find(separator);
  const std::string_view found = rest_.substr(0, end);
  rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
  return found;
}

}  // namespace assay::debug
