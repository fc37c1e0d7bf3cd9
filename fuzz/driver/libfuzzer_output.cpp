#include "fuzz/driver/libfuzzer_output.hpp"

#include <array>
#include <charconv>

namespace assay::fuzz {
namespace {

std::optional<uint64_t> number_at(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? std::optional(value) : std::nullopt;
}

uint64_t number_behind(std::string_view line, std::string_view key) {
  const size_t at = line.find(key);
  return at == std::string_view::npos ? 0 : number_at(line.substr(at + key.size())).value_or(0);
}

}  // namespace

std::optional<FuzzerStatus> status_from(std::string_view line) {
  if (!line.starts_with('#')) return std::nullopt;
  const auto runs = number_at(line.substr(1));
  if (!runs) return std::nullopt;
  const bool found = line.find("\tNEW ") != std::string_view::npos;
  return FuzzerStatus{*runs, number_behind(line, " cov: "), number_behind(line, " corp: "), found};
}

std::optional<uint64_t> total_runs_from(std::string_view line) {
  constexpr std::string_view kKey = "stat::number_of_executed_units:";
  return line.starts_with(kKey) ? number_at(line.substr(kKey.size())) : std::nullopt;
}

std::string reason_from(std::string_view line) {
  static constexpr std::array<std::string_view, 7> kTelling{
      "fuzz: does not hold: ",          "SUMMARY: ",   "runtime error: ",
      "ERROR: libFuzzer: timeout",      "  what():  ", "terminate called ",
      "ERROR: libFuzzer: out-of-memory"};
  for (const std::string_view telling : kTelling) {
    if (const size_t at = line.find(telling); at != std::string_view::npos) return std::string(line.substr(at));
  }
  return "";
}

}  // namespace assay::fuzz
