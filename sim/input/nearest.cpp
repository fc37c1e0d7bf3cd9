#include "sim/input/nearest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace assay {
namespace {

constexpr size_t kSuggestionsMax = 3;
constexpr size_t kComparedMax = 120;  // characters of a name that count for similarity

/// Levenshtein distance.
size_t edit_distance(std::string_view a, std::string_view b) {
  b = b.substr(0, kComparedMax);
  std::array<size_t, kComparedMax + 1> row{};
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::vector<std::string> nearest(const std::set<std::string>& names, std::string_view wrong) {
  std::vector<std::pair<size_t, std::string>> ranked;
  for (const std::string& name : names) ranked.emplace_back(edit_distance(wrong, name), name);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> found;
  for (const auto& [distance, name] : ranked) {
    if (found.size() == kSuggestionsMax || distance > std::max<size_t>(1, wrong.size() / 2)) break;
    found.push_back(name);
  }
  return found;
}

std::string did_you_mean(const std::vector<std::string>& suggestions) {
  if (suggestions.empty()) return "";
  return fmt::format("; did you mean {}?", fmt::join(suggestions, " or "));
}

}  // namespace assay
