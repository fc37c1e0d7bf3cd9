#include "sim/hosts/fault_point.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "sim/abi/describe_call.hpp"

namespace assay::hosts {

namespace {

using Where = FaultPoint::Where;

/// Those that are a number, and of calls an error.
constexpr std::array<std::pair<Where, std::string_view>, 7> kPlaces{{{Where::kSourceCall, "source-call"},
                                                                     {Where::kTargetCall, "target-call"},
                                                                     {Where::kTargetRoom, "target-room"},
                                                                     {Where::kTargetMemory, "target-memory"},
                                                                     {Where::kTargetPool, "target-pool"},
                                                                     {Where::kSourceDies, "source-dies"},
                                                                     {Where::kTargetDies, "target-dies"}}};

bool is_call(Where where) {
  return where == Where::kSourceCall || where == Where::kTargetCall;
}

std::optional<int> error_from(std::string_view name) {
  const auto* const found = std::ranges::find_if(kCallErrors, [&](int error) { return errno_name(error) == name; });
  return found == std::end(kCallErrors) ? std::nullopt : std::optional(*found);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  for (;;) {
    const size_t colon = text.find(':');
    words.push_back(text.substr(0, colon));
    if (colon == std::string_view::npos) return words;
    text.remove_prefix(colon + 1);
  }
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string to_string(const FaultPoint& point) {
  if (point.where == Where::kNone) return "none";
  const std::string at = ":" + std::to_string(point.at);
  if (point.where == Where::kLink) return std::string(to_string(point.link)) + at + ":" + std::to_string(point.byte);
  const auto* const found = std::ranges::find(kPlaces, point.where, &decltype(kPlaces)::value_type::first);
  const bool has_error = is_call(point.where) && point.error != FaultPoint{}.error;
  return std::string(found->second) + at + (has_error ? ":" + std::string(errno_name(point.error)) : "");
}

namespace {

std::optional<FaultPoint> call_or_host_fault(Where where, uint64_t at, std::span<const std::string_view> more) {
  FaultPoint point;
  point.where = where;
  point.at = at;
  if (more.empty()) return point;
  const auto error = is_call(where) ? error_from(more.front()) : std::nullopt;
  if (!error) return std::nullopt;
  point.error = *error;
  return point;
}

}  // namespace

std::optional<FaultPoint> fault_point_from(std::string_view text) {
  if (text == "none") return FaultPoint{};
  const std::vector<std::string_view> words = split(text);
  if (words.size() < 2 || words.size() > 3) return std::nullopt;
  const auto at = number(words[1]);
  if (!at) return std::nullopt;
  const auto* const found = std::ranges::find(kPlaces, words[0], &decltype(kPlaces)::value_type::second);
  if (found != kPlaces.end()) return call_or_host_fault(found->first, *at, std::span(words).subspan(2));
  const auto link = link_fault_from(words[0]);
  const auto byte = words.size() == 3 ? number(words[2]) : std::optional<uint64_t>(0);
  if (!link || *link == LinkFault::kNone || !byte) return std::nullopt;
  FaultPoint point;
  point.where = Where::kLink;
  point.link = *link;
  point.at = *at;
  point.byte = *byte;
  return point;
}

}  // namespace assay::hosts
