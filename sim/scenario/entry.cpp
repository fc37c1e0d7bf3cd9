#include "sim/scenario/entry.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/input/nearest.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {

Entry::Entry(const YamlInput& file, YAML::Node node, std::span<const std::string_view> keys)
    : file_(&file), node_(std::move(node)) {
  file_->expect_map(node_, keys);
}

void Entry::require(const char* key) const {
  if (!has(key)) fail(fmt::format("this entry lacks '{}'", key));
}

void Entry::fail(const char* key, std::string_view what) const {
  const YAML::Node value = node_[key];
  file_->fail(value ? value : node_, fmt::format("'{}': {}", key, what));
}

std::optional<uint64_t> Entry::duration(const char* key) const {
  const auto given = optional_text(key);
  if (!given) return std::nullopt;
  const auto value = parse_duration(*given);
  if (!value) {
    const bool is_negative = given->starts_with('-');
    fail(key, fmt::format("{} is {}; write a number with ns, us, ms or s behind it, at most an hour: 10ms", *given,
                          is_negative ? "a negative time" : "no time"));
  }
  return value;
}

uint64_t Entry::required_duration(const char* key) const {
  require(key);
  const uint64_t value = duration(key, 0);
  if (value == 0) fail(key, "must be longer than 0");
  return value;
}

std::optional<uint64_t> Entry::percent(const char* key) const {
  const auto given = optional_text(key);
  if (!given) return std::nullopt;
  const auto value = parse_percent(*given);
  if (!value) fail(key, fmt::format("{} is no percentage; write a number with % behind it: 45%", *given));
  return value;
}

std::optional<uint32_t> Entry::count(const char* key, uint32_t min, uint32_t max) const {
  const auto given = optional_text(key);
  if (!given) return std::nullopt;
  const auto value = parse_count(*given);
  if (!value || *value < min || *value > max) {
    fail(key, fmt::format("{} is not a whole number from {} to {}", *given, min, max));
  }
  return static_cast<uint32_t>(*value);
}

uint32_t Entry::required_count(const char* key, uint32_t min, uint32_t max) const {
  require(key);
  return *count(key, min, max);
}

bool Entry::flag(const char* key, bool otherwise) const {
  const auto given = optional_text(key);
  if (!given) return otherwise;
  if (*given != "true" && *given != "false") fail(key, fmt::format("{} is neither true nor false", *given));
  return *given == "true";
}

std::optional<PcpuSet> Entry::pcpus(const char* key, uint32_t machine) const {
  const auto given = optional_text(key);
  if (!given) return std::nullopt;
  const auto set = parse_pcpus(*given);
  if (!set) fail(key, fmt::format("{} is no set of pCPUs; write 3, 0-3 or 0-3,8", *given));
  if (set->at_or_above(machine) != PcpuSet::kNone) {
    fail(key,
         fmt::format("there is no pCPU {}: the machine has pCPUs 0 to {}", set->at_or_above(machine), machine - 1));
  }
  return set;
}

size_t Entry::choice(const char* key, std::span<const std::string_view> names) const {
  const std::string given = text(key);
  const auto found = std::ranges::find(names, given);
  if (found == names.end()) {
    const std::set<std::string> known(names.begin(), names.end());
    fail(key, fmt::format("there is no {}{}; known are {}", given, did_you_mean(nearest(known, given)),
                          fmt::join(names, ", ")));
  }
  return static_cast<size_t>(found - names.begin());
}

}  // namespace assay::scenario
