#include "reports/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace assay {
namespace {

constexpr std::array<std::string_view, 5> kNames{"regressed", "fixed", "changed", "new", "gone"};

using ById = std::map<std::string_view, Verdict>;

ById verdicts(const Results& results) {
  ById found;
  for (const ReportedCase& reported : results.cases) found.emplace(reported.id, reported.verdict);
  return found;
}

std::optional<ChangeKind> kind_of(Verdict before, Verdict now) {
  if (before == now) return std::nullopt;
  if (before == Verdict::kPass) return ChangeKind::kRegressed;
  return now == Verdict::kPass ? ChangeKind::kFixed : ChangeKind::kChanged;
}

size_t only_in(const Results& a, const Results& b) {
  const ById others = verdicts(b);
  return static_cast<size_t>(std::count_if(
      a.cases.begin(), a.cases.end(), [&](const ReportedCase& reported) { return !others.contains(reported.id); }));
}

}  // namespace

std::string_view to_string(ChangeKind kind) {
  return kNames.at(static_cast<size_t>(kind));
}

std::vector<Change> compare(const Results& before, const Results& now) {
  const ById earlier = verdicts(before);
  const ById later = verdicts(now);
  std::map<ChangeKind, std::vector<Change>> by_kind;
  for (const ReportedCase& reported : now.cases) {
    const auto found = earlier.find(reported.id);
    if (found == earlier.end()) {
      by_kind[ChangeKind::kNew].push_back({ChangeKind::kNew, reported.id, std::nullopt, reported.verdict});
    } else if (const auto kind = kind_of(found->second, reported.verdict)) {
      by_kind[*kind].push_back({*kind, reported.id, found->second, reported.verdict});
    }
  }
  for (const ReportedCase& reported : before.cases) {
    if (!later.contains(reported.id)) {
      by_kind[ChangeKind::kGone].push_back({ChangeKind::kGone, reported.id, reported.verdict, std::nullopt});
    }
  }
  std::vector<Change> changes;
  for (const auto& [kind, some] : by_kind) changes.insert(changes.end(), some.begin(), some.end());
  return changes;
}

std::vector<std::string> caveats(const Results& results_a, const std::string& a, const Results& results_b,
                                 const std::string& b) {
  std::vector<std::string> all;
  if (results_a.suite_digest != results_b.suite_digest) {
    all.push_back(
        fmt::format("{} was graded by suite {} ({}), {} by suite {} ({}): cases only in {}: {}, only in {}: {}.", a,
                    results_a.suite_version, results_a.suite_digest, b, results_b.suite_version, results_b.suite_digest,
                    a, only_in(results_a, results_b), b, only_in(results_b, results_a)));
  } else if (results_a.cases.size() != results_b.cases.size()) {
    all.push_back(fmt::format("{} has {} cases, {} has {}: not the same part of the suite was run.", a,
                              results_a.cases.size(), b, results_b.cases.size()));
  }
  for (const auto& [results, name] : {std::pair(&results_a, &a), std::pair(&results_b, &b)}) {
    if (results->interrupted) all.push_back(fmt::format("{} was interrupted: cases are missing.", *name));
  }
  return all;
}

}  // namespace assay
