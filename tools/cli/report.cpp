#include <fmt/format.h>

#include <algorithm>

#include "reports/compare.hpp"
#include "reports/report_files.hpp"
#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"

namespace assay {
namespace {

constexpr size_t kShownMax = 50;  // of each kind; the page has the rest

ReportSource source_of(const std::string& folder) {
  try {
    return read_source(folder);
  } catch (const std::runtime_error& error) {
    throw InputError(error.what());
  }
}

std::filesystem::path out_folder(const ReportFlags& flags) {
  if (!flags.out.empty()) return flags.out;
  if (!flags.earlier.empty()) return "assay-out/diff";
  return flags.folders.size() == 1 ? std::filesystem::path(flags.folders.front()) : "assay-out/report";
}

std::string name_of(const std::optional<Verdict>& verdict) {
  return verdict ? std::string(to_string(*verdict)) : "-";
}

void print_kind(const std::vector<Change>& changes, ChangeKind kind) {
  size_t count = 0;
  for (const Change& change : changes) {
    if (change.kind != kind) continue;
    if (++count <= kShownMax) {
      fmt::print("{:10} {} -> {}  {}\n", to_string(kind), name_of(change.before), name_of(change.now), change.id);
    }
  }
  if (count > kShownMax) fmt::print("{:10} ... and {} more, in the report\n", to_string(kind), count - kShownMax);
}

/// Prints what has changed, and says whether something regressed.
bool print_changes(const std::vector<Change>& changes) {
  std::string summary;
  bool regressed = false;
  for (const ChangeKind kind :
       {ChangeKind::kRegressed, ChangeKind::kFixed, ChangeKind::kChanged, ChangeKind::kNew, ChangeKind::kGone}) {
    print_kind(changes, kind);
    const auto count =
        std::count_if(changes.begin(), changes.end(), [&](const Change& change) { return change.kind == kind; });
    summary += fmt::format("{}{} {}", summary.empty() ? "" : ", ", count, to_string(kind));
    regressed = regressed || (kind == ChangeKind::kRegressed && count != 0);
  }
  fmt::print("{}\n", summary);
  return regressed;
}

void print_caveats(const std::vector<std::string>& caveats) {
  for (const std::string& caveat : caveats) fmt::print(stderr, "assay: {}\n", caveat);
}

ExitCode report_difference(const ReportFlags& flags, const std::filesystem::path& out) {
  if (flags.folders.size() != 1) throw InputError("--diff compares one folder with one earlier run; name one DIR");
  const ReportSource now = source_of(flags.folders.front());
  const ReportSource before = source_of(flags.earlier);
  make_folder(out);
  write_difference(out, before, now);
  print_caveats(caveats(before.results, "before", now.results, "now"));
  return print_changes(compare(before.results, now.results)) ? kExitUnexpected : kExitExpected;
}

ExitCode report_folders(const ReportFlags& flags, const std::filesystem::path& out) {
  std::vector<ReportSource> sources;
  for (const std::string& folder : flags.folders) sources.push_back(source_of(folder));
  make_folder(out);
  if (sources.size() == 1 && flags.out.empty()) {
    write_reports(out, sources.front().results);
    return kExitExpected;
  }
  write_side_by_side(out, sources);
  const std::vector<std::string> names = labels(sources);
  for (size_t i = 1; i < sources.size(); ++i) {
    print_caveats(caveats(sources[0].results, names[0], sources[i].results, names[i]));
  }
  return kExitExpected;
}

}  // namespace

ExitCode run_report(const ReportFlags& flags) {
  const std::filesystem::path out = out_folder(flags);
  try {
    const ExitCode code = flags.earlier.empty() ? report_folders(flags, out) : report_difference(flags, out);
    fmt::print("report: {}\n", (out / "index.html").string());
    return code;
  } catch (const WriteError& error) {
    fmt::print(stderr, "assay: {}\n", error.what());
    return error.out_of_space() ? kExitHarness : kExitBadInput;
  }
}

}  // namespace assay
