#include "reports/html.hpp"

#include <fmt/format.h>

#include <map>

#include "reports/html_assets.hpp"
#include "reports/utf8.hpp"

namespace assay {
namespace {

constexpr std::array kTileOrder{Verdict::kPass,  Verdict::kFail, Verdict::kCrash,       Verdict::kTimeout,
                                Verdict::kError, Verdict::kSkip, Verdict::kInconclusive};

std::string e(std::string_view text) {
  return html_escape(text);
}

std::string verdict_html(std::string_view verdict) {
  return fmt::format("<span class=\"v {0}\">{0}</span>", verdict);
}

std::string milliseconds(uint64_t duration_us) {
  return fmt::format("{}.{:03} ms", duration_us / 1000, duration_us % 1000);
}

std::string seconds(uint64_t duration_us) {
  return fmt::format("{}.{:02} s", duration_us / 1000000, duration_us / 10000 % 100);
}

/// Links come from expectation files: only those that a browser opens without running anything become links.
std::string link_html(const std::string& link) {
  if (!link.starts_with("https://") && !link.starts_with("http://")) return e(link);
  return fmt::format("<a href=\"{0}\">{0}</a>", e(link));
}

std::string lead(const Summary& summary, const Results& results) {
  if (results.interrupted) return "<p class=\"lead bad\">Interrupted: cases are missing</p>";
  if (summary.total() == summary[Verdict::kSkip]) return "<p class=\"lead bad\">Nothing ran</p>";
  if (summary.unexpected == 0) return "<p class=\"lead good\">All as expected</p>";
  return fmt::format("<p class=\"lead bad\">{} unexpected</p>", summary.unexpected);
}

std::string tiles(const Summary& summary) {
  std::string html = "<ul class=\"tiles\">";
  const auto tile = [&](std::string_view name, uint64_t count, std::string_view style) {
    html += fmt::format("<li><b class=\"v {}\">{}</b>{}</li>", count != 0 ? style : "skip", count, name);
  };
  for (const Verdict verdict : kTileOrder) tile(to_string(verdict), summary[verdict], to_string(verdict));
  tile("expected fail", summary.expected_fail, "skip");
  tile("unexpected pass", summary.unexpected_pass, "fail");
  return html + "</ul>\n";
}

std::string configuration(const Results& results) {
  const auto row = [](std::string_view name, std::string_view value) {
    return fmt::format("<dt>{}</dt><dd>{}</dd>\n", name, e(value));
  };
  return "<dl>" +
         row("target", fmt::format("{} ({} {})", results.target_kind, results.target_name, results.target_version)) +
         row("can", fmt::format("{}", fmt::join(results.capabilities, ", "))) + row("command", results.command) +
         row("seed", fmt::format("{}", results.seed)) + row("run digest", results.run_digest) +
         row("suite", fmt::format("{}, {}", results.suite_version, results.suite_digest)) +
         row("took", seconds(results.duration_us)) + row("fresh starts", fmt::format("{}", results.restarts)) +
         "</dl>\n";
}

std::string unexpected_card(const ReportedCase& reported) {
  const bool passed = unexpected_pass(reported);
  std::string html =
      fmt::format("<div class=\"one\"><h3>{} {}</h3>\n", verdict_html(to_string(reported.verdict)), e(reported.id));
  html +=
      fmt::format("<p>{}</p>\n", e(passed ? "Passed, but was expected to fail: " + reported.reason : reported.message));
  html += fmt::format("<p class=\"dim\">{} ({})</p>\n", e(reported.rule),
                      e(fmt::format("{}", fmt::join(reported.requirements, ", "))));
  if (!reported.link.empty()) html += fmt::format("<p>{}</p>\n", link_html(reported.link));
  if (!reported.evidence.empty()) html += fmt::format("<p><a href=\"{0}\">{0}</a></p>\n", e(reported.evidence));
  return html + fmt::format("<pre>{}</pre></div>\n", e(reported.reproduce));
}

std::string unexpected_section(const Results& results, const Summary& summary) {
  if (summary.unexpected == 0) return "";
  std::string html = fmt::format("<h2>Unexpected ({})</h2>\n", summary.unexpected);
  for (const ReportedCase* reported : unexpected_first(results)) {
    if (!reported->expected) html += unexpected_card(*reported);
  }
  return html;
}

std::string case_row(const ReportedCase& reported) {
  const std::string_view verdict = to_string(reported.verdict);
  std::string note = e(reported.message);
  if (!reported.reason.empty()) {
    note += fmt::format(" <span class=\"dim\">expected: {} {}</span>", e(reported.reason), link_html(reported.link));
  }
  return fmt::format(
      "<tr data-verdict=\"{0}\"><td>{1}</td><td title=\"{2}\">{3}</td><td class=\"dim\">{4}</td><td>{5}</td>"
      "<td class=\"num\">{6}</td></tr>\n",
      verdict, verdict_html(verdict), e(reported.rule), e(reported.id),
      e(fmt::format("{}", fmt::join(reported.requirements, " "))), note, milliseconds(reported.duration_us));
}

std::string case_section(const Results& results) {
  std::string html =
      "<h2>Cases (<span id=\"shown\"></span>)</h2>\n<div class=\"filter\"><input id=\"text\" type=\"search\" "
      "placeholder=\"Filter by name, requirement or message\" aria-label=\"Filter\">"
      "<select id=\"verdict\" aria-label=\"Verdict\"><option value=\"\">every verdict</option>";
  for (const Verdict verdict : kTileOrder) html += fmt::format("<option>{}</option>", to_string(verdict));
  html +=
      "</select></div>\n<table id=\"cases\"><thead><tr><th>Verdict</th><th>Case</th><th>Requirements</th>"
      "<th>Message</th><th class=\"num\">Time</th></tr></thead><tbody>\n";
  for (const ReportedCase* reported : unexpected_first(results)) html += case_row(*reported);
  return html + "</tbody></table>\n";
}

std::string requirement_section(const Results& results) {
  struct Family {
    uint64_t tested = 0;
    uint64_t passed = 0;
    uint64_t all = 0;
  };
  std::map<std::string, Family> families;
  for (const ReportedRequirement& requirement : results.requirements) {
    Family& family = families[requirement.id.substr(0, requirement.id.rfind('-'))];
    ++family.all;
    if (requirement.verdict != "untested" && requirement.verdict != "skip") ++family.tested;
    if (requirement.verdict == "pass") ++family.passed;
  }
  std::string html =
      "<h2>Requirements</h2>\n<table><thead><tr><th>Family</th><th class=\"num\">Pass</th>"
      "<th class=\"num\">Tested</th><th class=\"num\">All</th></tr></thead><tbody>\n";
  for (const auto& [name, family] : families) {
    html += fmt::format(
        "<tr><td>{}</td><td class=\"num\">{} pass</td><td class=\"num\">{} tested</td>"
        "<td class=\"num\">of {}</td></tr>\n",
        e(name), family.passed, family.tested, family.all);
  }
  return html + "</tbody></table>\n";
}

}  // namespace

std::string html_escape(std::string_view text) {
  std::string escaped;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' ? c : '?';
    }
  }
  return escaped;
}

std::string to_html(const Results& results) {
  const Summary summary = summarise(results);
  const std::string title = fmt::format("Assay: {} {}", results.target_name, results.target_version);
  return fmt::format(
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>{0}</title>\n"
             "<style>{1}</style></head>\n<body><h1>{0}</h1>\n",
             e(title), kPageStyle) +
         lead(summary, results) + "\n" + tiles(summary) + configuration(results) +
         unexpected_section(results, summary) + case_section(results) + requirement_section(results) +
         fmt::format("<script>{}</script></body></html>\n", kPageScript);
}

}  // namespace assay
