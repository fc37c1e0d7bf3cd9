#include <fmt/format.h>

#include <map>

#include "conformance/runner/requirements.hpp"
#include "conformance/runner/variants.hpp"
#include "reports/report_files.hpp"
#include "reports/trace.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {
namespace {

std::vector<ReportSource> read_sources(const std::vector<std::string>& folders) {
  std::vector<ReportSource> sources;
  for (const std::string& folder : folders) {
    try {
      sources.push_back(read_source(folder));
    } catch (const std::runtime_error& error) {
      throw InputError(error.what());
    }
  }
  return sources;
}

using Verdicts = std::map<std::string, std::vector<std::string>>;

/// By case, one for each source.
Verdicts last_verdicts(const std::vector<ReportSource>& sources) {
  Verdicts all;
  for (size_t i = 0; i < sources.size(); ++i) {
    for (const ReportedCase& reported : sources[i].results.cases) {
      auto& row = all[reported.id];
      row.resize(sources.size());
      row[i] = to_string(reported.verdict);
    }
  }
  return all;
}

Trace make_trace(const RequirementFlags& flags) {
  const std::vector<ReportSource> sources = read_sources(flags.results);
  Verdicts verdicts = last_verdicts(sources);
  std::map<std::string_view, std::vector<TracedCase>> cases;
  for (const Variant& variant : all_variants()) {
    auto& row = verdicts[variant.id];
    row.resize(sources.size());
    for (const std::string_view id : variant.registered.spec.requirements) {
      cases[id].push_back({variant.id, std::string(variant.registered.spec.rule), row});
    }
  }
  Trace trace{labels(sources), {}};
  for (const Requirement& row : requirements()) {
    if (flags.uncovered && cases.contains(row.id)) continue;
    trace.requirements.push_back({row.id, row.level, row.hypercall, row.operation, row.text, row.source, row.promise,
                                  row.status, row.evidence, row.uncovered, cases[row.id]});
  }
  return trace;
}

/// "hv: 3 pass, 1 fail; xen: 4 pass", of the cases of one requirement.
std::string verdict_text(const Trace& trace, const TracedRequirement& row) {
  std::string text;
  for (size_t i = 0; i < trace.columns.size(); ++i) {
    std::map<std::string, size_t> counts;
    for (const TracedCase& each : row.cases) ++counts[each.verdicts[i].empty() ? "not run" : each.verdicts[i]];
    std::string own;
    for (const auto& [verdict, count] : counts) own += fmt::format("{}{} {}", own.empty() ? "" : ", ", count, verdict);
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", trace.columns[i], own.empty() ? "no case" : own);
  }
  return text;
}

void print_text(const Trace& trace, bool uncovered) {
  for (const TracedRequirement& row : trace.requirements) {
    fmt::print("{}  {} {} cases  {}\n", row.id, row.level, row.cases.size(), row.text);
    if (!trace.columns.empty()) fmt::print("    {}\n", verdict_text(trace, row));
    if (uncovered) fmt::print("    {}\n", row.uncovered.empty() ? "no reason is given" : row.uncovered);
  }
}

}  // namespace

ExitCode list_requirements(const RequirementFlags& flags) {
  const Trace trace = make_trace(flags);
  if (flags.format == "csv") fmt::print("{}", to_csv(trace));
  if (flags.format == "openfasttrace") fmt::print("{}", to_openfasttrace(trace));
  if (flags.format == "text") print_text(trace, flags.uncovered);
  size_t covered = 0;
  for (const TracedRequirement& row : trace.requirements) covered += row.cases.empty() ? size_t{0} : size_t{1};
  fmt::print(stderr, "{} requirements, {} with cases\n", trace.requirements.size(), covered);
  return kExitExpected;
}

}  // namespace assay
