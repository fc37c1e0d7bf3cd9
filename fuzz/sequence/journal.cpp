#include "fuzz/sequence/journal.hpp"

#include "sim/abi/describe_call.hpp"

namespace assay::fuzz {

std::string Journal::show_errno(int64_t value) {
  const std::string_view name = value < 0 ? errno_name(-value) : "";
  return name.empty() ? fmt::to_string(value) : fmt::format("-XEN_{}", name);
}

std::string Journal::check_line(const std::string& expression, const std::string& expected) {
  return fmt::format("c.check_eq({}, {}, \"{}\");", expression, expected, expression);
}

void Journal::unexpected(const std::string& what, const std::string& expected, const std::string& actual) {
  if (keep_ == Keep::kCode && !failed()) code_.push_back(check_line(what, expected));
  disagree(what, expected, actual);
}

void Journal::disagree(const std::string& what, const std::string& expected, const std::string& actual) {
  if (failed()) return;
  failure_ = fmt::format("{}: expected {}, got {}", what, expected, actual);
}

}  // namespace assay::fuzz
