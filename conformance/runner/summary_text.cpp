#include "conformance/runner/summary_text.hpp"

#include <fmt/format.h>

#include <map>
#include <string_view>
#include <vector>

namespace assay {
namespace {

constexpr size_t kShownMax = 50;  // the report has the rest

std::string one_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

std::string unexpected_block(const Results& results, uint64_t count) {
  std::string text;
  size_t shown = 0;
  for (const ReportedCase* reported : unexpected_first(results)) {
    if (reported->expected || shown == kShownMax) break;
    ++shown;
    const bool passed = unexpected_pass(*reported);
    text +=
        fmt::format("{} {}\n    {}\n    {}\n", passed ? "unexpected pass" : to_string(reported->verdict), reported->id,
                    passed ? fmt::format("was expected to fail: {}", reported->reason) : one_line(reported->message),
                    reported->reproduce);
  }
  if (count > shown) text += fmt::format("... and {} more, in the report\n", count - shown);
  return text.empty() ? text : text + "\n";
}

/// One line a reason, so that a capability which went missing is not overlooked. Unexpected ones are listed above.
std::string reasons_block(const Results& results, Verdict verdict, std::string_view what) {
  std::map<std::string, uint64_t> reasons;
  for (const ReportedCase& reported : results.cases) {
    if (reported.verdict == verdict && reported.expected) ++reasons[one_line(reported.message)];
  }
  std::string text;
  for (const auto& [reason, cases] : reasons) text += fmt::format("{} {}: {}\n", what, cases, reason);
  return text;
}

/// Each is among the unexpected ones as well; RepeatOptions::kCasesMax bounds the line.
std::string repeats_line(const Results& results) {
  std::vector<std::string_view> ids;
  for (const ReportedCase& reported : results.cases) {
    if (reported.tries.differ()) ids.emplace_back(reported.id);
  }
  if (ids.empty()) return "";
  return fmt::format("does not repeat: {} case{} ({})\n", ids.size(), ids.size() == 1 ? "" : "s", fmt::join(ids, ", "));
}

/// A line for each profile that was claimed or ran as a whole: of a part of the suite the others would say little.
std::string profile_lines(const Results& results) {
  std::string text;
  for (const ReportedProfile& profile : results.profiles) {
    if (profile.missing == profile.cases || (profile.missing != 0 && !profile.claimed)) continue;
    text += fmt::format("profile {}\n", to_line(profile));
  }
  return text;
}

std::string counts(const Summary& summary) {
  std::string text = fmt::format("{} cases: {} pass", summary.total(), summary[Verdict::kPass]);
  for (const Verdict verdict :
       {Verdict::kFail, Verdict::kCrash, Verdict::kTimeout, Verdict::kError, Verdict::kInconclusive, Verdict::kSkip}) {
    if (summary[verdict] != 0) text += fmt::format(", {} {}", summary[verdict], to_string(verdict));
  }
  if (summary.expected_fail != 0) text += fmt::format(" ({} of them expected)", summary.expected_fail);
  if (summary.unexpected_pass != 0) text += fmt::format("; {} passed unexpectedly", summary.unexpected_pass);
  if (summary.total() == summary[Verdict::kSkip]) return text + "; nothing ran\n";
  return text +
         (summary.unexpected == 0 ? "; nothing unexpected\n" : fmt::format("; {} unexpected\n", summary.unexpected));
}

}  // namespace

std::string summary_text(const Results& results, const std::string& report) {
  const Summary summary = summarise(results);
  std::string text = unexpected_block(results, summary.unexpected);
  text += fmt::format("target {}: {} {}, seed {}, run digest {}\n", results.target_kind, results.target_name,
                      results.target_version, results.seed, results.run_digest);
  text += reasons_block(results, Verdict::kSkip, "skipped");
  text += reasons_block(results, Verdict::kInconclusive, "inconclusive, as expected,");
  text += repeats_line(results);
  text += profile_lines(results);
  text += counts(summary);
  text += fmt::format("{}.{:02} s", results.duration_us / 1000000, results.duration_us / 10000 % 100);
  if (results.restarts != 0) text += fmt::format(", {} fresh starts because the subject died", results.restarts);
  if (results.interrupted) text += ", interrupted: cases are missing";
  return text + fmt::format("\nreport: {}\n", report);
}

}  // namespace assay
