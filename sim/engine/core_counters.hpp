/// What a core built for measuring counts in its own data: how often which code ran. It is no state of the core.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

namespace assay {

/// A byte for each place of the core where a bug is planted, in the order of their catalogue: not 0, once code has come
/// by there.
constexpr std::string_view kPlacesSection = "assay_places";

struct CounterRange {
  std::string_view section;
  uint64_t start = 0;  ///< from where the object is loaded
  uint64_t bytes = 0;
};

/// The counters of clang's coverage and profiles in a shared object, the tables beside them and kPlacesSection,
/// ascending. Empty for any other file.
std::vector<CounterRange> counters_of(const std::filesystem::path& path);

}  // namespace assay
