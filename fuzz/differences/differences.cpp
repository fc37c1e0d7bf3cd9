#include "fuzz/differences/differences.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

namespace assay {

std::vector<Difference> read_differences(const YamlInput& file) {
  constexpr std::array<std::string_view, 5> kWrong{"hv", "model", "requirement", "harness", "xen"};
  std::vector<Difference> differences;
  std::set<std::string> names;
  for (const YAML::Node& entry : file.list()) {
    file.expect_map(entry, {"name", "wrong", "found_by", "what", "now"});
    differences.push_back({.name = file.text(entry, "name"),
                           .wrong = file.text(entry, "wrong"),
                           .found_by = file.text(entry, "found_by"),
                           .what = file.text(entry, "what"),
                           .now = file.text(entry, "now")});
    const Difference& last = differences.back();
    if (std::ranges::find(kWrong, last.wrong) == kWrong.end()) {
      file.fail(entry["wrong"], fmt::format("'{}' is none of {}", last.wrong, fmt::join(kWrong, ", ")));
    }
    if (!names.insert(last.name).second) file.fail(entry["name"], fmt::format("'{}' is there already", last.name));
  }
  return differences;
}

const std::vector<Difference>& all_differences() {
  static const std::vector<Difference> kDifferences = [] {
    const EmbeddedFile& file = embedded_differences().front();
    return read_differences(YamlInput(std::string(file.name), file.text));
  }();
  return kDifferences;
}

}  // namespace assay
