#include "reports/html.hpp"

#include <fmt/format.h>

#include "reports/fallback.hpp"
#include "reports/page_files.hpp"
#include "reports/page_model.hpp"
#include "reports/utf8.hpp"

namespace assay {
namespace {

std::string title(const std::vector<PageRun>& runs, bool difference) {
  std::string text;
  for (const PageRun& run : runs) {
    const std::string name = fmt::format("{} {}", run.results->target_name, run.results->target_version);
    if (difference && text == name) continue;  // the same, built anew
    text += text.empty() ? name : (difference ? " then " : ", ") + name;
  }
  return difference ? "What has changed: " + text : text;
}

std::string page(const std::vector<PageRun>& runs, bool difference) {
  const PageModel model = page_model(runs, difference);
  std::string data = data_element("data", model.data);
  for (size_t i = 0; i < model.blocks.size(); ++i) data += data_element(fmt::format("block-{}", i), model.blocks[i]);
  return fill_page(page_file("index.html"), {{"title", html_escape(title(runs, difference))},
                                             {"style", std::string(page_file("style.css"))},
                                             {"fallback", fallback_html(runs)},
                                             {"version", html_escape(runs.back().results->suite_version)},
                                             {"data", data},
                                             {"script", page_script("main.js")}});
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

std::string to_html(const std::vector<PageRun>& runs) {
  return page(runs, false);
}

std::string to_difference_html(const PageRun& before, const PageRun& now) {
  return page({before, now}, true);
}

std::string to_html(const Results& results) {
  return page({PageRun{.label = results.target_kind.empty() ? "target" : results.target_kind, .results = &results}},
              false);
}

}  // namespace assay
