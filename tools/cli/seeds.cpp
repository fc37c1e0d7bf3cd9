#include "tools/cli/seeds.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "sim/input/input_error.hpp"

namespace assay {
namespace {

constexpr uint64_t kSeedsMax = 1'000'000;

}  // namespace

Seeds seeds_of(const std::string& text, uint64_t otherwise) {
  if (text.empty()) return {otherwise, otherwise};
  const auto number = [&](std::string_view part) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (part.empty() || error != std::errc{} || end != part.data() + part.size()) {
      throw InputError(fmt::format("--seeds {}: expected two numbers with dots between: 1..100", text));
    }
    return value;
  };
  const size_t dots = text.find("..");
  if (dots == std::string::npos) return {number(text), number(text)};
  const Seeds seeds{number(std::string_view(text).substr(0, dots)), number(std::string_view(text).substr(dots + 2))};
  if (seeds.first > seeds.last) throw InputError(fmt::format("--seeds {}: the first is greater than the last", text));
  if (seeds.last - seeds.first >= kSeedsMax) throw InputError(fmt::format("--seeds {}: at most {}", text, kSeedsMax));
  return seeds;
}

}  // namespace assay
