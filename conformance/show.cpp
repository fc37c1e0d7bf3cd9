#include "conformance/show.hpp"

#include <fmt/format.h>

#include "sim/abi/describe_call.hpp"

namespace assay {
namespace {

constexpr uint64_t kPlainMax = 9;  // up to here hexadecimal says nothing new

}  // namespace

std::string show_signed(int64_t value) {
  return describe_result(value);
}

std::string show_unsigned(uint64_t value) {
  return value <= kPlainMax ? fmt::format("{}", value) : fmt::format("{} ({:#x})", value, value);
}

std::string show_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += fmt::format("\\{}", c);
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace assay
