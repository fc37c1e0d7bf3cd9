#include "conformance/show.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "conformance/guest/errno.hpp"

namespace assay {
namespace {

constexpr int64_t kErrnoMax = 4095;  // results from -4095 to -1 are errors
constexpr uint64_t kPlainMax = 9;    // up to here hexadecimal says nothing new

struct Errno {
  std::string_view name;
  int64_t value;
};

// The public header lists every value through this macro, and undefines it.
#define XEN_ERRNO(name, value) {#name, value},
constexpr Errno kErrnos[] = {
#include <xen/errno.h>
};

}  // namespace

std::string_view errno_name(int64_t positive) {
  // EAGAIN and EWOULDBLOCK share a number: the first name wins.
  const auto* found =
      std::find_if(std::begin(kErrnos), std::end(kErrnos), [&](const Errno& entry) { return entry.value == positive; });
  return found == std::end(kErrnos) ? std::string_view{} : found->name;
}

std::string show_signed(int64_t value) {
  if (value >= 0 || value < -kErrnoMax) return fmt::format("{}", value);
  const std::string_view name = errno_name(-value);
  return name.empty() ? fmt::format("{}", value) : fmt::format("-{} ({})", name, value);
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
