/// What has changed between two runs, case by case.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "reports/results.hpp"

namespace assay {

enum class ChangeKind : uint8_t {
  kRegressed,  ///< passed before, and no longer does: a skip counts
  kFixed,      ///< did not pass before, and does now
  kChanged,    ///< passes neither before nor now, and ends differently
  kNew,        ///< only in the later run
  kGone,       ///< only in the earlier run
};

/// "regressed", "fixed", "changed", "new", "gone".
std::string_view to_string(ChangeKind kind);

struct Change {
  ChangeKind kind;
  std::string id;
  std::optional<Verdict> before;
  std::optional<Verdict> now;
};

/// By kind in the order above, then in the order of the runs, the later one first.
std::vector<Change> compare(const Results& before, const Results& now);

/// What keeps two results from being held against each other case by case: other suites, parts, interruptions. One
/// sentence each; empty when nothing does. `a` and `b` are what the sentences call them.
std::vector<std::string> caveats(const Results& results_a, const std::string& a, const Results& results_b,
                                 const std::string& b);

}  // namespace assay
