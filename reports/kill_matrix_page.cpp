/// The kill matrix as a page, in the style of the conformance report. It needs no script.
#include <fmt/format.h>

#include <map>

#include "reports/html.hpp"
#include "reports/kill_matrix.hpp"
#include "reports/page_files.hpp"

namespace assay {
namespace {

/// What this page has beyond the style of the others.
constexpr std::string_view kOwnStyle = R"(
.kills { --runs: 1; }
.kills .detail { margin: .5rem 0; font-size: .8125rem; }
.kills .detail dt { font-weight: 600; margin-top: .5rem; }
.kills .detail dd { margin-left: 0; }
@media (min-width: 46.01rem) {
  .kills .row { grid-template-columns: 17rem 9rem minmax(0, 1fr) calc(var(--runs) * 8rem); }
}
)";

std::string plural(size_t count, std::string_view one) {
  return fmt::format("{} {}{}", count, one, count == 1 ? "" : "s");
}

std::string chip(const std::string& detector, const Detection& detection) {
  const std::string said = detection.found ? fmt::format("{}, {}", detection.verdict, plural(detection.steps, "step"))
                                           : std::string("not found");
  const std::string_view kind = detection.found ? "pass" : "none";
  const std::string_view sign = detection.found ? "✓" : "–";
  return fmt::format(R"(<span class="chip {}"><span class="of">{}</span><span class="sign">{}</span>{}</span>)", kind,
                     html_escape(detector), sign, html_escape(said));
}

std::string command(const std::string& line) {
  return fmt::format("<div class=\"command\"><code>{}</code></div>", html_escape(line));
}

/// The line that shows it again.
std::string again(const KillMatrix& matrix, const std::string& fault, const std::string& detector,
                  const std::string& by) {
  if (detector == "cases") return fmt::format("tools/assay grade --target hv --fault {} --select {}", fault, by);
  const bool is_sequence = by.find('@') < by.find(':');
  if (is_sequence && detector == "differential") {
    return fmt::format("tools/assay check --fault {} --differential hv,{} --play '{}'", fault, matrix.reference, by);
  }
  if (is_sequence) return fmt::format("tools/assay check --fault {} --play '{}'", fault, by);
  return fmt::format("tools/assay check --faults --select {} --detectors {}", fault, detector);
}

std::string detection_detail(const KillMatrix& matrix, const FaultRow& row, const std::string& detector,
                             const Detection& detection) {
  if (!detection.found)
    return fmt::format("<dt>{}</dt><dd>found nothing in {:.2f} s</dd>", detector, detection.seconds);
  std::string text = fmt::format("<dt>{}: {} after {}, {:.2f} s</dt><dd><span class=\"id\">{}</span><br>{}",
                                 html_escape(detector), html_escape(detection.verdict), plural(detection.steps, "step"),
                                 detection.seconds, html_escape(detection.by), html_escape(detection.message));
  if (detection.by != "boot") text += command(again(matrix, row.name, detector, detection.by));
  return text + "</dd>";
}

std::string row_item(const KillMatrix& matrix, const FaultRow& row) {
  std::string chips, details;
  for (size_t i = 0; i < row.detections.size(); ++i) {
    chips += chip(matrix.detectors[i], row.detections[i]);
    details += detection_detail(matrix, row, matrix.detectors[i], row.detections[i]);
  }
  const std::string what = html_escape(row.what);
  std::string item = R"(<li><details class="item"><summary><div class="row">)";
  item += fmt::format(R"(<span class="id">{}</span><span class="level">{}</span>)", row.name, html_escape(row.models));
  item += fmt::format(R"(<span class="words">{}</span><span class="chips">{}</span></div></summary>)", what, chips);
  item += fmt::format(R"(<div class="body"><dl class="detail"><dt>Where</dt><dd class="id">{}</dd>{}</dl></div>)",
                      html_escape(row.where), details);
  return item + "</details></li>\n";
}

std::string column_heads(const KillMatrix& matrix) {
  std::string heads;
  for (const std::string& detector : matrix.detectors) heads += fmt::format("<span>{}</span>", html_escape(detector));
  return fmt::format(R"(<div class="columns" aria-hidden="true"><div class="row"><span>Fault</span><span>Models</span>)"
                     R"(<span>What goes wrong</span><span class="chips">{}</span></div></div>)",
                     heads);
}

std::string list_of(const KillMatrix& matrix, const std::vector<const FaultRow*>& rows) {
  std::string items;
  for (const FaultRow* row : rows) items += row_item(matrix, *row);
  return fmt::format("{}<ul class=\"items\">{}</ul>", column_heads(matrix), items);
}

std::string holes(const KillMatrix& matrix) {
  std::vector<const FaultRow*> rows;
  for (const FaultRow& row : matrix.faults) {
    if (!row.found()) rows.push_back(&row);
  }
  if (rows.empty()) return "";
  return fmt::format("<h2>Not found by anything: {}</h2>{}", rows.size(), list_of(matrix, rows));
}

std::string by_subsystem(const KillMatrix& matrix) {
  std::vector<std::string> order;
  std::map<std::string, std::vector<const FaultRow*>> groups;
  for (const FaultRow& row : matrix.faults) {
    auto& group = groups[row.subsystem];
    if (group.empty()) order.push_back(row.subsystem);
    group.push_back(&row);
  }
  std::string text;
  for (const std::string& subsystem : order) {
    size_t found = 0;
    for (const FaultRow* row : groups[subsystem]) found += row->found() ? size_t{1} : size_t{0};
    text += fmt::format("<h2>{} <span class=\"dim\">{} of {} found</span></h2>{}", html_escape(subsystem), found,
                        groups[subsystem].size(), list_of(matrix, groups[subsystem]));
  }
  return text;
}

std::string_view wrong_in_words(const Difference& difference) {
  if (difference.wrong == "hv") return "the bundled core was wrong";
  if (difference.wrong == "model") return "the model was wrong";
  if (difference.wrong == "requirement") return "the requirement was wrong";
  return difference.wrong == "harness" ? "the harness was wrong" : "so it is on the real Xen";
}

std::string differences_section(const KillMatrix& matrix) {
  if (matrix.differences.empty()) return "";
  std::string items;
  for (const Difference& difference : matrix.differences) {
    items += fmt::format(
        R"(<dt>{} <span class="dim">{}</span></dt><dd>{}<br><span class="dim">found by {}; now: {}</span></dd>)",
        html_escape(difference.name), wrong_in_words(difference), html_escape(difference.what),
        html_escape(difference.found_by), html_escape(difference.now));
  }
  return fmt::format("<h2>Differences found so far: {}</h2><dl class=\"detail\">{}</dl>", matrix.differences.size(),
                     items);
}

std::string card(const KillMatrix& matrix, const KillSummary& summary) {
  std::string cells;
  for (const FaultRow& row : matrix.faults)
    cells += row.found() ? R"(<i class="pass"></i>)" : R"(<i class="fail"></i>)";
  std::string detectors;
  for (size_t i = 0; i < matrix.detectors.size(); ++i) {
    detectors += fmt::format("<div><dt>{}</dt><dd>{} of {}</dd></div>", html_escape(matrix.detectors[i]),
                             summary.by_detector[i], summary.faults);
  }
  std::string text = fmt::format(R"(<section class="cards"><article class="card {}"><h3>{}</h3>)",
                                 summary.found == summary.faults ? "good" : "bad", html_escape(matrix.command));
  text += fmt::format(R"(<p class="headline">{} of {} planted faults found</p>)", summary.found, summary.faults);
  text += fmt::format(R"(<div class="bar" aria-hidden="true">{}</div>)", cells);
  text += fmt::format(R"(<p class="counts">{:.0f} s; median of the shortest ways there: {}</p>)", matrix.seconds,
                      plural(summary.median_steps, "step"));
  return text + fmt::format(R"(<dl class="levels">{}</dl></article></section>)", detectors);
}

}  // namespace

std::string to_html(const KillMatrix& matrix) {
  constexpr std::string_view kTitle = "Which planted faults are found, and by what";
  const KillSummary summary = summarise(matrix);
  std::string page = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  page += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
  page += "<meta name=\"color-scheme\" content=\"light dark\">\n<meta http-equiv=\"Content-Security-Policy\"\n";
  page += "      content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n";
  page += fmt::format("<title>{}</title>\n<style>{}{}</style>\n</head>\n<body>\n", kTitle, page_file("style.css"),
                      kOwnStyle);
  page += fmt::format(
      "<header class=\"top\"><div><p class=\"kicker\">Assay kill matrix</p><h1>{}</h1></div></header>\n", kTitle);
  page +=
      fmt::format("<main class=\"kills\" style=\"--runs: {}\">\n{}", matrix.detectors.size(), card(matrix, summary));
  if (matrix.interrupted) page += "<p class=\"caveats\">Interrupted: faults that nobody got to are not here.</p>";
  page += holes(matrix) + by_subsystem(matrix) + differences_section(matrix);
  page += fmt::format(
      "</main>\n<footer><p>Each fault is one place of the bundled core, switched on by name; a step is an operation of "
      "a guest "
      "up to what failed. This page is one file: it loads nothing from elsewhere. Made by Assay {}.</p></footer>\n"
      "</body>\n</html>\n",
      html_escape(matrix.suite_version));
  return page;
}

}  // namespace assay
