#include "reports/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "reports/csv.hpp"

namespace assay {
namespace {

std::string case_lines(const Trace& trace, const TracedRequirement& row) {
  const std::vector<std::string> own{row.id,     row.level,   row.hypercall, row.operation, row.text,
                                     row.source, row.promise, row.status,    row.evidence,  row.uncovered};
  std::string text;
  for (const TracedCase& each : row.cases) {
    std::vector<std::string> fields = own;
    fields.push_back(each.id);
    fields.insert(fields.end(), each.verdicts.begin(), each.verdicts.end());
    text += csv_line(fields);
  }
  if (!row.cases.empty()) return text;
  std::vector<std::string> fields = own;
  fields.resize(own.size() + 1 + trace.columns.size());
  return csv_line(fields);
}

/// An id in which nothing stands but what OpenFastTrace allows: letters, digits, '-', '_' and '.'.
std::string item_name(std::string id) {
  std::replace(id.begin(), id.end(), '@', '.');
  return id;
}

/// Text that no parser takes for anything but text: on one line, and not at its beginning a word with a colon.
std::string prose(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string requirement_item(const TracedRequirement& row) {
  std::string text = fmt::format("### {} {}{}{}\n`req~{}~1`\n\n{}\n\n", row.id, row.hypercall,
                                 row.operation.empty() ? "" : " ", row.operation, item_name(row.id), prose(row.text));
  if (!row.promise.empty()) text += fmt::format("Rationale:\n\nPromised by {}.\n\n", prose(row.promise));
  std::string comment = fmt::format("Read in Xen 4.17, {}.", prose(row.source));
  if (!row.evidence.empty()) comment += " Observed: " + prose(row.evidence);
  if (!row.uncovered.empty()) comment += " No case can observe it: " + prose(row.uncovered);
  text += fmt::format("Comment:\n\n{}\n\nTags: {}, {}\n\n", comment, row.level, row.status);
  if (row.uncovered.empty()) text += "Needs: itest\n\n";
  return text;
}

std::string case_item(const Trace& trace, const TracedCase& each, const std::vector<std::string>& covered) {
  std::string text = fmt::format("### {}\n`itest~{}~1`\n\n{}\n\n", each.id, item_name(each.id), prose(each.rule));
  for (size_t i = 0; i < trace.columns.size(); ++i) {
    const std::string& verdict = each.verdicts[i];
    text += fmt::format("{}Last verdict on {}: {}.\n", i == 0 ? "Comment:\n\n" : "", trace.columns[i],
                        verdict.empty() ? "not run" : verdict);
  }
  if (!trace.columns.empty()) text += "\n";
  text += "Covers:\n\n";
  for (const std::string& id : covered) text += fmt::format("* `req~{}~1`\n", item_name(id));
  return text + "\n";
}

}  // namespace

std::string to_csv(const Trace& trace) {
  std::vector<std::string> head{"requirement", "level",  "hypercall", "operation", "text", "source",
                                "promise",     "status", "evidence",  "uncovered", "case"};
  for (const std::string& column : trace.columns) head.push_back("verdict " + column);
  std::string text = csv_line(head);
  for (const TracedRequirement& row : trace.requirements) text += case_lines(trace, row);
  return text;
}

std::string to_openfasttrace(const Trace& trace) {
  std::string text = "# The Xen hypercall ABI: requirements and the cases that cover them\n\n## Requirements\n\n";
  std::map<std::string, std::pair<const TracedCase*, std::vector<std::string>>> cases;
  for (const TracedRequirement& row : trace.requirements) {
    text += requirement_item(row);
    for (const TracedCase& each : row.cases) {
      auto& [known, covered] = cases[each.id];
      known = &each;
      covered.push_back(row.id);
    }
  }
  text += "## Cases\n\n";
  for (const auto& [id, entry] : cases) text += case_item(trace, *entry.first, entry.second);
  return text;
}

}  // namespace assay
