#include "fuzz/driver/cause.hpp"

#include <algorithm>
#include <optional>

namespace assay::fuzz {
namespace {

constexpr std::string_view kXen = "(XEN) ";
constexpr std::string_view kPanic = "(XEN) Panic on CPU";
constexpr std::string_view kTrace = "(XEN) Xen call trace:";

std::string_view line_at(std::string_view text, size_t at) {
  const std::string_view line = text.substr(at, text.find('\n', at) - at);
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

/// The line behind the last one that begins with `mark`, without Xen's prefix.
std::optional<std::string_view> behind(std::string_view text, std::string_view mark) {
  const size_t found = text.rfind(mark);
  const size_t end = found == std::string_view::npos ? found : text.find('\n', found);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = line_at(text, end + 1);
  return line.starts_with(kXen) ? line.substr(kXen.size()) : line;
}

/// "   [<ffff82d04020a5a0>] R do_memory_op+0x12/0x34" is of do_memory_op.
std::string_view function_in(std::string_view line) {
  const size_t bracket = line.find("] ");
  if (bracket == std::string_view::npos) return "";
  std::string_view rest = line.substr(bracket + 2);
  if (rest.size() > 2 && rest[1] == ' ') rest.remove_prefix(2);
  return rest.substr(0, rest.find('+'));
}

/// Numbers of domains count up from boot to boot.
std::string without_domids(std::string_view line) {
  constexpr std::string_view kDomain = "domain ";
  std::string text;
  for (size_t at = 0; at < line.size();) {
    text += line[at++];
    if (!text.ends_with(kDomain)) continue;
    const size_t digits = std::min(line.find_first_not_of("0123456789", at), line.size());
    if (digits != at) text += 'N';
    at = digits;
  }
  return text;
}

}  // namespace

std::string cause_of(std::string_view told) {
  std::string cause = without_domids(line_at(told, 0));
  const auto panic = behind(told, kPanic);
  if (!panic) return cause;
  cause += ": " + std::string(*panic);
  const std::string_view function = function_in(behind(told, kTrace).value_or(""));
  return function.empty() ? cause : cause + " in " + std::string(function);
}

}  // namespace assay::fuzz
