#include "sim/scenario/units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "sim/scenario/scenario.hpp"

namespace assay::scenario {
namespace {

struct Unit {
  std::string_view name;
  uint64_t ns;
};
constexpr std::array<Unit, 4> kUnits{{{"ns", 1}, {"us", kNsPerUs}, {"ms", kNsPerMs}, {"s", kNsPerS}}};

/// A decimal number in parts of 1/`scale`; nothing when it is no number, has finer parts, or is beyond `max`.
std::optional<uint64_t> parse_scaled(std::string_view text, uint64_t scale, uint64_t max) {
  const size_t dot = text.find('.');
  const auto whole = parse_count(text.substr(0, dot));
  if (!whole || *whole > max / scale) return std::nullopt;
  uint64_t value = *whole * scale;
  if (dot == std::string_view::npos) return value;
  const std::string_view digits = text.substr(dot + 1);
  if (digits.empty()) return std::nullopt;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return std::nullopt;
    if (scale % 10 != 0) return std::nullopt;
    scale /= 10;
    value += static_cast<uint64_t>(digit - '0') * scale;
  }
  return value;
}

std::string show_scaled(uint64_t value, uint64_t scale) {
  std::string text = std::to_string(value / scale);
  uint64_t rest = value % scale;
  if (rest == 0) return text;
  text += '.';
  while (rest != 0) {
    scale /= 10;
    text += static_cast<char>('0' + rest / scale);
    rest %= scale;
  }
  return text;
}

}  // namespace

std::optional<uint64_t> parse_count(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint64_t> parse_duration(std::string_view text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view name = text.substr(digits);
  const auto unit = std::ranges::find(kUnits, name, &Unit::name);
  if (unit == kUnits.end()) return std::nullopt;
  return parse_scaled(text.substr(0, digits), unit->ns, kDurationMaxNs);
}

std::optional<uint64_t> parse_percent(std::string_view text) {
  constexpr uint64_t kPerPercent = kWholePcpu / 100, kPercentMax = 1'000'000 * kWholePcpu;
  if (text.empty() || text.back() != '%') return std::nullopt;
  return parse_scaled(text.substr(0, text.size() - 1), kPerPercent, kPercentMax);
}

std::optional<PcpuSet> parse_pcpus(std::string_view text) {
  PcpuSet set;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, comma - at);
    const size_t dash = part.find('-');
    const auto first = parse_count(part.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_count(part.substr(dash + 1));
    if (!first || !last || *first > *last || *last >= ASSAY_PCPUS_MAX) return std::nullopt;
    for (uint64_t pcpu = *first; pcpu <= *last; ++pcpu) set.add(static_cast<uint32_t>(pcpu));
    at = comma + 1;
  }
  return set;
}

std::string show_duration(uint64_t ns) {
  const Unit* unit = kUnits.data();
  for (const Unit& candidate : kUnits) {
    if (ns >= candidate.ns) unit = &candidate;
  }
  return show_scaled(ns, unit->ns) + std::string(unit->name);
}

std::string show_percent(uint64_t hundredths) {
  return show_scaled(hundredths, kWholePcpu / 100) + "%";
}

std::string show_pcpus(const PcpuSet& pcpus) {
  std::string text;
  for (uint32_t first = pcpus.at_or_above(0); first != PcpuSet::kNone;) {
    uint32_t last = first;
    while (last + 1 < ASSAY_PCPUS_MAX && pcpus.has(last + 1)) ++last;
    text += (text.empty() ? "" : ",") + std::to_string(first);
    if (last != first) text += "-" + std::to_string(last);
    first = last + 1 < ASSAY_PCPUS_MAX ? pcpus.at_or_above(last + 1) : PcpuSet::kNone;
  }
  return text;
}

}  // namespace assay::scenario
