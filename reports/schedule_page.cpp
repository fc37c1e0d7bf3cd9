#include "reports/schedule_page.hpp"

#include <fmt/format.h>

#include "reports/html.hpp"
#include "reports/page_files.hpp"

namespace assay {
namespace {

std::string verdict_section(const SchedulePage& head) {
  const bool is_good = head.messages.empty();
  std::string text = fmt::format("<p class=\"headline {}\">{}</p>\n", is_good ? "good" : "bad",
                                 html_escape(is_good ? head.verdict : head.verdict + ": " + head.messages.front()));
  if (head.messages.size() > 1) {
    text += "<ul class=\"caveats\" aria-label=\"Further violations\">";
    for (size_t i = 1; i < head.messages.size(); ++i) text += fmt::format("<li>{}</li>", html_escape(head.messages[i]));
    text += "</ul>\n";
  }
  return text;
}

std::string facts(const SchedulePage& head) {
  std::string text = "<dl class=\"facts\">";
  for (const auto& [name, value] : head.facts) {
    text += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", html_escape(name), html_escape(value));
  }
  text += fmt::format("<div><dt>Again</dt><dd><code>{}</code></dd></div></dl>\n", html_escape(head.reproduce));
  return text;
}

std::string links(const SchedulePage& head) {
  std::string text = "<p class=\"files\">";
  if (!head.report.empty()) text += fmt::format("<a href=\"{}\">All results</a>", html_escape(head.report));
  if (!head.trace.empty()) {
    text += fmt::format(
        " <span><a href=\"{}\" download>Trace of the same run</a> <span class=\"dim\">open it in "
        "ui.perfetto.dev</span></span>",
        html_escape(head.trace));
  }
  if (!head.evidence.empty()) text += fmt::format(" <a href=\"{}\">Evidence</a>", html_escape(head.evidence));
  return text + "</p>\n";
}

}  // namespace

std::string schedule_page(const SchedulePage& head, std::string_view data) {
  return fill_page(page_file("schedule.html"),
                   {{"title", html_escape(head.scenario)},
                    {"style", std::string(page_file("style.css")) + std::string(page_file("schedule.css"))},
                    {"about", html_escape(head.about)},
                    {"head", verdict_section(head) + facts(head) + links(head)},
                    {"version", html_escape(head.made_by)},
                    {"data", data_element("data", data)},
                    {"script", page_script("schedule.js")}});
}

}  // namespace assay
