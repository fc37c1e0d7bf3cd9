#include "reports/migration_page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reports/html.hpp"
#include "reports/page_files.hpp"

namespace assay {
namespace {

constexpr uint64_t kNsPerUs = 1000;

std::string head_of(const MigrationPage& page) {
  std::string text = fmt::format("<p class=\"headline {}\">{}</p>\n<dl class=\"facts\">", page.is_good ? "good" : "bad",
                                 html_escape(page.verdict));
  for (const auto& [name, value] : page.facts) {
    text += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", html_escape(name), html_escape(value));
  }
  return text + fmt::format("<div><dt>Again</dt><dd><code>{}</code></dd></div></dl>\n", html_escape(page.command));
}

std::string failures_of(const MigrationPage& page) {
  if (page.failures.empty()) return "";
  std::string text = "<section aria-label=\"What is wrong\"><h2>What is wrong</h2>\n<ul class=\"wrongs\">";
  for (const MigrationPage::Failure& failure : page.failures) {
    text += fmt::format("<li><p class=\"bad\">{}</p>", html_escape(failure.what));
    for (const std::string& line : failure.lines) text += fmt::format("<p><code>{}</code></p>", html_escape(line));
    text += "</li>";
  }
  return text + "</ul></section>\n";
}

std::string table_of(const MigrationPage::Table& table) {
  std::string text = fmt::format(
      "<h2>{}</h2>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">"
      "<table class=\"numbers\"><thead><tr>",
      html_escape(table.caption), html_escape(table.caption));
  for (const std::string& column : table.columns) text += fmt::format("<th scope=\"col\">{}</th>", html_escape(column));
  text += "</tr></thead><tbody>\n";
  for (const auto& row : table.rows) {
    text += "<tr>";
    for (size_t i = 0; i < row.size(); ++i) {
      text += i == 0 ? fmt::format("<th scope=\"row\">{}</th>", html_escape(row[i]))
                     : fmt::format("<td>{}</td>", html_escape(row[i]));
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

/// A bar for each span, in per mille of the whole move.
std::string timeline_of(const MigrationPage& page) {
  if (page.spans.empty()) return "";
  uint64_t end = 1;
  for (const auto& span : page.spans) end = std::max(end, span.to_ns);
  std::string text = "<h2>One move in time</h2>\n<div class=\"lanes\">";
  for (size_t host = 0; host < page.hosts.size(); ++host) {
    text += fmt::format(
        "<p class=\"lane-name\">{}</p><svg class=\"lane\" viewBox=\"0 0 1000 20\" "
        "preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">",
        html_escape(page.hosts[host]), html_escape(page.hosts[host]));
    for (const auto& span : page.spans) {
      if (span.host != host) continue;
      const double from = 1000.0 * static_cast<double>(span.from_ns) / static_cast<double>(end);
      const double width = 1000.0 * static_cast<double>(span.to_ns - span.from_ns) / static_cast<double>(end);
      text += fmt::format(
          "<rect class=\"hue{}\" x=\"{:.2f}\" y=\"0\" width=\"{:.2f}\" height=\"20\"><title>{}: {} to {} "
          "us</title></rect>",
          span.hue, from, std::max(width, 1.5), html_escape(span.what), span.from_ns / kNsPerUs, span.to_ns / kNsPerUs);
    }
    text += "</svg>\n";
  }
  text += fmt::format("</div><p class=\"dim\">0 to {} us of virtual time</p>\n<ul class=\"legend\">", end / kNsPerUs);
  std::vector<std::string> named;
  for (const auto& span : page.spans) {
    if (std::ranges::find(named, span.what) != named.end()) continue;
    named.push_back(span.what);
    text += fmt::format("<li><span class=\"swatch hue{}\"></span>{}</li>", span.hue, html_escape(span.what));
  }
  return text + "</ul>\n" + table_of(page.events);
}

std::string rounds_of(const MigrationPage& page) {
  if (page.rounds.empty()) return "";
  uint64_t most = 1;
  for (const auto& [name, pages] : page.rounds) most = std::max(most, pages);
  std::string text = "<h2>Rounds of the same move</h2>\n<dl class=\"bars\">";
  for (const auto& [name, pages] : page.rounds) {
    text += fmt::format("<dt>{}</dt><dd><meter min=\"0\" max=\"{}\" value=\"{}\">{} pages</meter> {} pages</dd>",
                        html_escape(name), most, pages, pages, pages);
  }
  return text + "</dl>\n";
}

}  // namespace

std::string migration_page(const MigrationPage& page) {
  std::string tables;
  for (const MigrationPage::Table& table : page.tables) tables += table_of(table);
  return fill_page(page_file("migration.html"),
                   {{"style", std::string(page_file("style.css")) + std::string(page_file("schedule.css")) +
                                  std::string(page_file("migration.css"))},
                    {"head", head_of(page)},
                    {"body", failures_of(page) + tables + timeline_of(page) + rounds_of(page)},
                    {"version", html_escape(page.made_by)}});
}

}  // namespace assay
