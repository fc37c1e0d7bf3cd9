#include "tools/cli/migrate_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "conformance/runner/assemble.hpp"
#include "reports/report_files.hpp"
#include "reports/write_file.hpp"
#include "sim/engine/machine_digest.hpp"
#include "tools/cli/migrate_page.hpp"

namespace assay {
namespace {

constexpr const char* kRule =
    "A domain that moves arrives whole, or goes on where it was, or is lost with its host: never two of it run, no "
    "memory is lost or changed, and whoever fails says so.";

/// As ids of cases are spelt: "migrate.pvh.live.corrupted_4_17.seed1".
std::string case_id(const hosts::MoveCase& one) {
  std::string id = "migrate." + hosts::id_of(one);
  std::ranges::replace_if(
      id, [](char c) { return c == ':' || c == '-'; }, '_');
  return id;
}

std::vector<ReportedStep> steps_of(const hosts::MoveTimeline& times) {
  std::vector<ReportedStep> steps;
  for (const hosts::MoveEvent& event : times.events) {
    const double us = static_cast<double>(event.ns - std::min(event.ns, times.began_ns)) / 1e3;
    steps.push_back({"host " + event.host, "event", fmt::format("{:.1f} us: {}", us, event.what), event.is_trouble});
  }
  return steps;
}

std::string method_of(const PlayedMoves& played, size_t index) {
  const hosts::MoveCase& one = played.cases[index];
  const std::string& met = played.records[index].met;
  std::string text = fmt::format("{}, {} pages, {} written per ms; {} move{}", way_of(one), one.pages,
                                 one.writes_per_ms, one.moves, one.moves == 1 ? "" : "s, to and fro");
  if (one.fault == hosts::FaultPoint{}) return text;
  return text + fmt::format("; in the first, {}{}; then once more without", hosts::to_string(one.fault),
                            met.empty() ? "" : " in " + met);
}

ReportedCase reported(const PlayedMoves& played, size_t index) {
  const CaseResult& result = *played.outcome.results[index];
  ReportedCase made;
  made.id = case_id(played.cases[index]);
  made.verdict = result.verdict;
  made.expected = result.verdict == Verdict::kPass;
  made.duration_us = result.duration_us;
  made.message = result.message;
  for (const std::string& note : result.notes) made.message += "; also: " + note;
  made.reproduce = reproduction(played.flags, hosts::flags_of(played.cases[index]));
  made.rule = kRule;
  made.method = method_of(played, index);
  if (result.digest != 0) made.digest = hex64(result.digest);
  if (played.is_wrong(index)) made.steps = steps_of(played.records[index].drawn.timeline);
  return made;
}

}  // namespace

Results results_of(const PlayedMoves& played) {
  const RunOutcome& outcome = played.outcome;
  Results results = described(outcome, played.flags.command, played.flags.seed);
  results.suite_cases = played.cases.size();
  const std::optional<size_t> drawn = played.drawn();
  MachineDigest digest;
  for (size_t i = 0; i < played.cases.size(); ++i) {
    if (!outcome.results[i]) continue;
    digest.fold(outcome.results[i]->digest);
    results.cases.push_back(reported(played, i));
    if (drawn == i) results.cases.back().picture = kMigrationPage;
  }
  results.run_digest = hex64(digest.value());
  return results;
}

void write_migrations(const PlayedMoves& played) {
  const std::filesystem::path out = played.flags.out;
  const Results results = results_of(played);
  write_file(out / "results.json", to_json(results));
  write_reports(out, results);
  write_file(out / kMigrationPage, migration_page(page_of(played)));
}

}  // namespace assay
