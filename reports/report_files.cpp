#include "reports/report_files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "reports/html.hpp"
#include "reports/junit.hpp"
#include "reports/write_file.hpp"

namespace assay {
namespace {

constexpr size_t kEvidenceBytesMax = 16 * 1024;          // of one case that a page carries: its end says most
constexpr size_t kEvidenceBytesTotal = 4 * 1024 * 1024;  // of one run; the files have the rest

std::string last_part(std::string text) {
  if (text.size() <= kEvidenceBytesMax) return text;
  return fmt::format("[the last {} of {} bytes; the file has all]\n", kEvidenceBytesMax, text.size()) +
         text.substr(text.size() - kEvidenceBytesMax);
}

/// Evidence that is gone is no reason to make no report: the page links to it all the same.
std::map<std::string, std::string> evidence_of(const std::filesystem::path& folder, const Results& results) {
  std::map<std::string, std::string> texts;
  size_t bytes = 0;
  for (const ReportedCase* reported : unexpected_first(results)) {
    if (reported->evidence.empty()) continue;
    try {
      std::string text = last_part(read_file(folder / reported->evidence));
      bytes += text.size();
      if (bytes > kEvidenceBytesTotal) break;
      texts.emplace(reported->evidence, std::move(text));
    } catch (const std::runtime_error&) {
      continue;
    }
  }
  return texts;
}

/// The characters of a path that mean something else in a URL, written otherwise.
std::string url_path(const std::filesystem::path& path) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
  std::string url;
  for (const char c : path.generic_string()) {
    url += kPlain.find(c) != std::string_view::npos ? std::string(1, c)
                                                    : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return url;
}

PageRun page_run(const ReportSource& source, const std::string& label, const std::filesystem::path& out) {
  PageRun run{.label = label, .results = &source.results};
  run.folder = source.folder.string();
  run.base = url_path(std::filesystem::relative(source.folder, out)) + "/";
  run.evidence = evidence_of(source.folder, source.results);
  return run;
}

constexpr std::string_view kAnyCore = "core";  // a kind that says nothing: the folder is called as the core is

/// The last part of a path that has one; it may end in '/', or be '.'.
std::string folder_name(const std::filesystem::path& folder) {
  const std::filesystem::path whole = std::filesystem::absolute(folder).lexically_normal();
  return (whole.filename().empty() ? whole.parent_path() : whole).filename().string();
}

void number_duplicates(std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (std::string& name : names) {
    const std::string first = name;
    for (size_t number = 2; !seen.insert(name).second; ++number) name = fmt::format("{} #{}", first, number);
  }
}

}  // namespace

ReportSource read_source(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "results.json";
  return {folder, from_json(read_file(file), file.string())};
}

std::vector<std::string> labels(const std::vector<ReportSource>& sources) {
  std::vector<std::string> names;
  for (const ReportSource& source : sources) {
    const std::string& kind = source.results.target_kind;
    const auto same = std::count_if(sources.begin(), sources.end(),
                                    [&](const ReportSource& other) { return other.results.target_kind == kind; });
    const bool enough = same == 1 && !kind.empty() && kind != kAnyCore;
    names.push_back(enough ? kind : folder_name(source.folder));
  }
  number_duplicates(names);
  return names;
}

void write_reports(const std::filesystem::path& folder, const Results& results) {
  write_file(folder / "junit.xml", to_junit(results));
  write_side_by_side(folder, {{folder, results}});
}

void write_side_by_side(const std::filesystem::path& out, const std::vector<ReportSource>& sources) {
  const std::vector<std::string> names = labels(sources);
  std::vector<PageRun> runs;
  for (size_t i = 0; i < sources.size(); ++i) runs.push_back(page_run(sources[i], names[i], out));
  write_file(out / "index.html", to_html(runs));
}

void write_difference(const std::filesystem::path& out, const ReportSource& before, const ReportSource& now) {
  write_file(out / "index.html", to_difference_html(page_run(before, "before", out), page_run(now, "now", out)));
}

}  // namespace assay
