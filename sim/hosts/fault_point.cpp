#include "sim/hosts/fault_point.hpp"

#include <charconv>
#include <vector>

namespace assay::hosts {

namespace {

using Where = FaultPoint::Where;

constexpr std::string_view kSourceCall = "source-call", kTargetCall = "target-call", kTargetRoom = "target-room";

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
  const std::string at = ":" + std::to_string(point.at);
  switch (point.where) {
    case Where::kNone:
      break;
    case Where::kLink:
      return std::string(to_string(point.link)) + at + ":" + std::to_string(point.byte);
    case Where::kSourceCall:
      return std::string(kSourceCall) + at;
    case Where::kTargetCall:
      return std::string(kTargetCall) + at;
    case Where::kTargetRoom:
      return std::string(kTargetRoom) + at;
  }
  return "none";
}

std::optional<FaultPoint> fault_point_from(std::string_view text) {
  if (text == "none") return FaultPoint{};
  const std::vector<std::string_view> words = split(text);
  if (words.size() < 2 || words.size() > 3) return std::nullopt;
  FaultPoint point;
  const auto at = number(words[1]);
  const auto byte = words.size() == 3 ? number(words[2]) : std::optional<uint64_t>(0);
  if (!at || !byte) return std::nullopt;
  point.at = *at;
  point.byte = *byte;
  if (words[0] == kSourceCall) point.where = Where::kSourceCall;
  if (words[0] == kTargetCall) point.where = Where::kTargetCall;
  if (words[0] == kTargetRoom) point.where = Where::kTargetRoom;
  if (point.where != Where::kNone) return words.size() == 2 ? std::optional(point) : std::nullopt;
  const auto link = link_fault_from(words[0]);
  if (!link || *link == LinkFault::kNone) return std::nullopt;
  point.where = Where::kLink;
  point.link = *link;
  return point;
}

}  // namespace assay::hosts
