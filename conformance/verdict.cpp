#include "conformance/verdict.hpp"

#include <algorithm>
#include <array>

namespace assay {
namespace {

constexpr std::array<std::string_view, kVerdictCount> kNames{"pass",    "skip",  "inconclusive", "fail",
                                                             "timeout", "crash", "error"};

}  // namespace

std::string_view to_string(Verdict verdict) {
  return kNames.at(static_cast<size_t>(verdict));
}

std::optional<Verdict> verdict_from(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Verdict>(found - kNames.begin());
}

}  // namespace assay
