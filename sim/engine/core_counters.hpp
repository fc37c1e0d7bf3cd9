/// What a core built for measuring counts in its own data: how often which code ran. It is no state of the core.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace assay {

struct CounterRange {
  uint64_t start = 0;  ///< from where the object is loaded
  uint64_t bytes = 0;
};

/// The counters of clang's coverage and profiles in a shared object, and the tables beside them, ascending. Empty for
/// any other file.
std::vector<CounterRange> counters_of(const std::filesystem::path& path);

}  // namespace assay
