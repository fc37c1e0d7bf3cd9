/// What libFuzzer says while it works, understood as far as it matters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::fuzz {

struct FuzzerStatus {
  uint64_t runs = 0;
  uint64_t edges = 0;   ///< covered
  uint64_t inputs = 0;  ///< in the corpus
  bool found = false;   ///< the line tells of an input that reaches something new
};

/// "#8192 NEW cov: 20 ft: 33 corp: 5/12b ..."; nothing for any other line.
std::optional<FuzzerStatus> status_from(std::string_view line);

/// How many inputs were tried, as it says in the end.
std::optional<uint64_t> total_runs_from(std::string_view line);

/// Why an input broke the target, when the line tells: an assertion of ours, a sanitizer's summary, an exception, a
/// time-out. Empty otherwise.
std::string reason_from(std::string_view line);

}  // namespace assay::fuzz
