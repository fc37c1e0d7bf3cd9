#include "reports/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace assay {

uint64_t Summary::total() const {
  return std::accumulate(by_verdict.begin(), by_verdict.end(), uint64_t{0});
}

bool unexpected_pass(const ReportedCase& reported) {
  return reported.verdict == Verdict::kPass && !reported.expected;
}

Summary summarise(const Results& results) {
  Summary summary;
  for (const ReportedCase& reported : results.cases) {
    ++summary.by_verdict.at(static_cast<size_t>(reported.verdict));
    if (!reported.expected) ++summary.unexpected;
    if (unexpected_pass(reported)) ++summary.unexpected_pass;
    if (reported.expected && reported.verdict > Verdict::kInconclusive) ++summary.expected_fail;
  }
  return summary;
}

std::vector<const ReportedCase*> unexpected_first(const Results& results) {
  std::vector<const ReportedCase*> ordered;
  for (const ReportedCase& reported : results.cases) ordered.push_back(&reported);
  std::sort(ordered.begin(), ordered.end(), [](const ReportedCase* a, const ReportedCase* b) {
    if (a->expected != b->expected) return b->expected;
    if (!a->expected && a->verdict != b->verdict) return a->verdict > b->verdict;
    return a < b;  // both are elements of results.cases: their order there
  });
  return ordered;
}

std::string to_line(const ReportedProfile& profile) {
  std::string text = fmt::format("{}{}: {}; {} of {} cases pass", profile.id, profile.claimed ? " (claimed)" : "",
                                 profile.verdict, profile.passed, profile.cases);
  if (profile.failed != 0) text += fmt::format(", {} fail", profile.failed);
  if (profile.skipped != 0) text += fmt::format(", {} skipped", profile.skipped);
  if (profile.undecided != 0) text += fmt::format(", {} inconclusive", profile.undecided);
  if (profile.missing != 0) text += fmt::format(", {} not run", profile.missing);
  return text;
}

std::string hex64(uint64_t value) {
  return fmt::format("{:#018x}", value);
}

}  // namespace assay
