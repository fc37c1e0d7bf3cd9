#include "reports/migration_page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "reports/html.hpp"
#include "reports/page_files.hpp"

namespace assay {
namespace {

/// Tables with more columns become a list of their rows where the screen is narrow.
constexpr size_t kNarrowColumns = 3;

using Table = MigrationPage::Table;
using Facts = std::vector<std::pair<std::string, std::string>>;

std::string command_html(const std::string& line) {
  return fmt::format("<span class=\"command\"><code tabindex=\"0\">{}</code></span>", html_escape(line));
}

std::string facts_html(const Facts& facts, const std::string& command) {
  std::string text = "<dl class=\"facts\">";
  for (const auto& [name, value] : facts) {
    text += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", html_escape(name), html_escape(value));
  }
  return text + fmt::format("<div><dt>Again</dt><dd>{}</dd></div></dl>\n", command_html(command));
}

std::string head_of(const MigrationPage& page) {
  std::string text =
      fmt::format("<p class=\"headline {}\">{}</p>\n", page.is_good ? "good" : "bad", html_escape(page.verdict));
  text += facts_html(page.facts, page.command);
  if (page.report.empty()) return text;
  return text + fmt::format("<p class=\"files\"><a href=\"{}\">All results</a></p>\n", html_escape(page.report));
}

std::string failures_of(const MigrationPage& page) {
  if (page.failures.empty()) return "";
  std::string text = "<section aria-labelledby=\"wrong\"><h2 id=\"wrong\">What is wrong</h2>\n";
  for (const MigrationPage::Failure& failure : page.failures) {
    text += fmt::format("<div class=\"finding\"><p class=\"message bad\">{}</p>", html_escape(failure.what));
    for (const std::string& note : failure.notes) text += fmt::format("<p>{}</p>", html_escape(note));
    for (const auto& [what, line] : failure.commands) {
      text += fmt::format("<p class=\"dim\">{}</p>{}", html_escape(what), command_html(line));
    }
    text += "</div>\n";
  }
  return text + "</section>\n";
}

/// Its own roles stay when the style makes another thing of it.
std::string bare_table(const Table& table) {
  const char* const kind = table.columns.size() > kNarrowColumns ? "stacked" : "words";
  std::string text = fmt::format(
      "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{}\"><table class=\"numbers {}\" role=\"table\">"
      "<thead role=\"rowgroup\"><tr role=\"row\">",
      html_escape(table.caption), kind);
  for (const std::string& column : table.columns) {
    text += fmt::format("<th scope=\"col\" role=\"columnheader\">{}</th>", html_escape(column));
  }
  text += "</tr></thead><tbody role=\"rowgroup\">\n";
  for (size_t row = 0; row < table.rows.size(); ++row) {
    const bool is_bad = std::ranges::binary_search(table.bad_rows, row);
    text += fmt::format("<tr role=\"row\"{}>", is_bad ? " class=\"bad\"" : "");
    for (size_t i = 0; i < table.rows[row].size(); ++i) {
      const std::string cell = html_escape(table.rows[row][i]);
      text += i == 0 ? fmt::format("<th scope=\"row\" role=\"rowheader\">{}</th>", cell)
                     : fmt::format("<td role=\"cell\" data-column=\"{}\">{}</td>", html_escape(table.columns[i]), cell);
    }
    text += "</tr>\n";
  }
  return text + "</tbody></table></div>\n";
}

std::string table_of(const Table& table, const char* heading) {
  return fmt::format("<{0}>{1}</{0}>\n{2}", heading, html_escape(table.caption), bare_table(table));
}

std::string groups_of(const MigrationPage& page) {
  if (page.groups.empty()) return "";
  std::string text =
      fmt::format("<section aria-labelledby=\"points\"><h2 id=\"points\">{}</h2>\n", html_escape(page.groups_caption));
  for (const MigrationPage::Group& group : page.groups) {
    text += fmt::format("<details class=\"group\"{}><summary{}><b>{}</b> <span>{}</span></summary>{}</details>\n",
                        group.is_bad ? " open" : "", group.is_bad ? " class=\"bad\"" : "",
                        html_escape(group.table.caption), html_escape(group.summary), bare_table(group.table));
  }
  return text + "</section>\n";
}

std::string move_of(const MigrationPage& page) {
  if (!page.move) return "";
  const MigrationPage::Move& move = *page.move;
  return fmt::format(
      "<section aria-labelledby=\"move\"><h2 id=\"move\">{}</h2>\n{}<h3>Both hosts on one virtual clock</h3>\n{}{}{}"
      "</section>\n",
      html_escape(move.which), facts_html(move.facts, move.command), timeline_html(move), table_of(move.rounds, "h3"),
      table_of(move.events, "h3"));
}

std::string distributions_of(const MigrationPage& page) {
  std::string text;
  for (const MigrationPage::Distributions& group : page.distributions) {
    text += fmt::format("<h2>{}</h2>\n<div class=\"distributions\">", html_escape(group.caption));
    for (const MigrationPage::Distribution& one : group.all) text += histogram_html(one);
    text += "</div>\n";
  }
  return text;
}

}  // namespace

std::string with_commas(uint64_t number) {
  std::string text = fmt::to_string(number);
  for (size_t place = text.size(); place > 3; place -= 3) text.insert(place - 3, ",");
  return text;
}

std::string migration_page(const MigrationPage& page) {
  std::string tables;
  for (const Table& table : page.tables) tables += table_of(table, "h2");
  return fill_page(page_file("migration.html"),
                   {{"style", std::string(page_file("style.css")) + std::string(page_file("schedule.css")) +
                                  std::string(page_file("migration.css"))},
                    {"head", head_of(page)},
                    {"body", failures_of(page) + move_of(page) + tables + groups_of(page) + distributions_of(page)},
                    {"version", html_escape(page.made_by)}});
}

}  // namespace assay
