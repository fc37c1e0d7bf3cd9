#include "reports/fallback.hpp"

#include <fmt/format.h>

namespace assay {
namespace {

constexpr size_t kShownMax = 200;  // the data has the rest

std::string e(std::string_view text) {
  return html_escape(text);
}

std::string counts(const Summary& summary) {
  std::string text = fmt::format("{} cases", summary.total());
  for (unsigned i = 0; i < kVerdictCount; ++i) {
    const auto verdict = static_cast<Verdict>(i);
    if (summary[verdict] != 0) text += fmt::format(", {} {}", summary[verdict], to_string(verdict));
  }
  return text;
}

std::string finding(const ReportedCase& reported) {
  const std::string why =
      unexpected_pass(reported) ? "passed, but was expected to fail: " + reported.reason : reported.message;
  return fmt::format("<li><b>{}</b> <code>{}</code><br>{}<br><code>{}</code></li>\n", to_string(reported.verdict),
                     e(reported.id), e(why), e(reported.reproduce));
}

std::string findings(const Results& results) {
  std::string html;
  size_t shown = 0;
  for (const ReportedCase* reported : unexpected_first(results)) {
    if (reported->expected || shown == kShownMax) break;
    html += finding(*reported);
    ++shown;
  }
  return html.empty() ? "" : fmt::format("<ul>\n{}</ul>\n", html);
}

std::string run_html(const PageRun& run) {
  const Results& results = *run.results;
  std::string html = fmt::format("<h2>{}: {} {}</h2>\n<p><b>{}.</b> {}.</p>\n", e(run.label), e(results.target_name),
                                 e(results.target_version), e(headline(results)), counts(summarise(results)));
  html += fmt::format("<p>Seed {}, run digest {}, suite {} ({}). Command: <code>{}</code></p>\n", results.seed,
                      e(results.run_digest), e(results.suite_version), e(results.suite_digest), e(results.command));
  for (const ReportedProfile& profile : results.profiles)
    html += fmt::format("<p>Profile {}</p>\n", e(to_line(profile)));
  return html + findings(results);
}

}  // namespace

std::string headline(const Results& results) {
  const Summary summary = summarise(results);
  if (results.interrupted) return "Interrupted: cases are missing";
  if (summary.total() == summary[Verdict::kSkip]) return "Nothing ran";
  if (summary.unexpected == 0) return "All as expected";
  return fmt::format("{} unexpected result{}", summary.unexpected, summary.unexpected == 1 ? "" : "s");
}

std::string fallback_html(const std::vector<PageRun>& runs) {
  std::string html =
      "<div class=\"fallback\">\n<noscript><p class=\"fallback-note\">With JavaScript, this page shows every "
      "requirement, "
      "case and step. This is its summary.</p>\n<style>main "
      ".fallback{visibility:visible!important}</style></noscript>\n"
      "<p class=\"fallback-note\"></p>\n";
  for (const PageRun& run : runs) html += run_html(run);
  return html + "</div>\n";
}

}  // namespace assay
