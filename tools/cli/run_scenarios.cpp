/// `assay run` of scenarios: many seeds, and their results as any run reports them.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/progress.hpp"
#include "conformance/runner/summary_text.hpp"
#include "reports/report_files.hpp"
#include "reports/write_file.hpp"
#include "sim/engine/machine_digest.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/scenario_batch.hpp"
#include "tools/cli/scenario_picture.hpp"
#include "tools/cli/seeds.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const std::string& named) {
  if (!fs::is_directory(named)) return {named};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(named)) {
    if (entry.is_regular_file() && entry.path().extension() == ".yaml") files.push_back(entry.path());
  }
  if (files.empty()) throw InputError(fmt::format("{}: no scenario there; they are files named *.yaml", named));
  std::ranges::sort(files);
  return files;
}

std::vector<fs::path> files_of(const std::vector<std::string>& named) {
  std::vector<fs::path> files;
  std::map<std::string, fs::path> names;
  for (const std::string& one : named) {
    for (const fs::path& file : files_of(one)) {
      const auto [known, is_new] = names.emplace(file.stem().string(), file);
      if (!is_new) {
        throw InputError(fmt::format("{} and {} have the same name, and so would their results: play them one by one",
                                     known->second.string(), file.string()));
      }
      files.push_back(file);
    }
  }
  return files;
}

/// What is wrong with any of the files is told at once.
std::vector<scenario::Scenario> read_all(const RunFlags& flags, const std::vector<fs::path>& files) {
  std::vector<scenario::Scenario> scenarios;
  std::vector<std::string> wrong;
  for (const fs::path& file : files) {
    try {
      scenarios.push_back(read_for(flags, file));
    } catch (const InputError& error) {
      wrong.emplace_back(error.what());
    }
  }
  if (wrong.empty()) return scenarios;
  const std::string text = fmt::format("{}", fmt::join(wrong, "\nassay: "));
  if (files.size() == 1) throw InputError(text);
  throw InputError(
      fmt::format("{}\nassay: {} of {} scenarios cannot be played; nothing was", text, wrong.size(), files.size()));
}

ScenarioBatch batch_of(const RunFlags& flags, const std::vector<std::string>& named) {
  ScenarioBatch batch;
  batch.files = files_of(named);
  const Seeds seeds = seeds_of(flags.seeds, flags.seed);
  batch.scenarios = read_all(flags, batch.files);
  for (size_t i = 0; i < batch.files.size(); ++i) {
    for (uint64_t seed = seeds.first;; ++seed) {
      batch.tasks.push_back({i, seed});
      if (seed == seeds.last) break;
    }
  }
  return batch;
}

std::string reproduction_of(const RunFlags& flags, const fs::path& file, uint64_t seed) {
  const std::string target = flags.target == "hv" ? "" : " --target " + flags.target;
  const std::string fault = flags.fault.empty() ? "" : " --fault " + flags.fault;
  return fmt::format("tools/assay run {}{}{} --seed {}", file.string(), target, fault, seed);
}

ReportedCase reported(const RunFlags& flags, const ScenarioBatch& batch, const ScenarioTask& task,
                      const CaseResult& result) {
  ReportedCase one;
  one.id = id_of(batch, task);
  one.verdict = result.verdict;
  one.expected = result.verdict == Verdict::kPass || result.verdict == Verdict::kSkip;
  one.duration_us = result.duration_us;
  one.message = result.message;
  one.reproduce = reproduction_of(flags, batch.files[task.scenario], task.seed);
  one.rule = batch.scenarios[task.scenario].about;
  one.where = batch.files[task.scenario].string() + ":1";
  one.digest = hex64(result.digest);
  if (!result.evidence.empty()) one.evidence = fmt::format("evidence/{}.txt", one.id);
  return one;
}

Results results_of(const RunFlags& flags, const ScenarioBatch& batch, const RunOutcome& outcome) {
  Results results = described(outcome, flags.command, seeds_of(flags.seeds, flags.seed).first);
  results.suite_cases = batch.tasks.size();
  MachineDigest digest;
  for (size_t i = 0; i < batch.tasks.size(); ++i) {
    if (!outcome.results[i]) continue;
    digest.fold(outcome.results[i]->digest);
    results.cases.push_back(reported(flags, batch, batch.tasks[i], *outcome.results[i]));
  }
  results.run_digest = hex64(digest.value());
  return results;
}

/// The first run that is not as expected, or else the first that says anything.
std::optional<size_t> run_to_draw(const ScenarioBatch& batch, const Results& results) {
  const auto has = [&](const auto& holds) { return std::ranges::find_if(results.cases, holds); };
  auto chosen = has([](const ReportedCase& one) { return !one.expected; });
  if (chosen == results.cases.end()) {
    chosen = has([](const ReportedCase& one) { return one.verdict == Verdict::kPass; });
  }
  if (chosen == results.cases.end()) return std::nullopt;
  for (size_t i = 0; i < batch.tasks.size(); ++i) {
    if (id_of(batch, batch.tasks[i]) == chosen->id) return i;
  }
  return std::nullopt;
}

void draw(const RunFlags& flags, const ScenarioBatch& batch, Results& results) {
  const std::optional<size_t> index = run_to_draw(batch, results);
  if (!index) return;
  const ScenarioTask& task = batch.tasks[*index];
  const auto reported = std::ranges::find(results.cases, id_of(batch, task), &ReportedCase::id);
  const std::string why_not = draw_in_worker(scenario_factory(flags), batch.scenarios[task.scenario],
                                             {.out = flags.out,
                                              .seed = task.seed,
                                              .file = batch.files[task.scenario].string(),
                                              .reproduce = reported->reproduce,
                                              .evidence = reported->evidence,
                                              .report = "index.html"});
  if (why_not.empty()) {
    reported->picture = kPicturePage;
  } else {
    fmt::print(stderr, "assay: no picture of {}: {}\n", reported->id, why_not);
  }
}

/// What an earlier run has left, as grading does, so that nothing of it stands beside the new results.
void clear_out(const fs::path& out) {
  if (out.empty()) return;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(out / "evidence", ignored)) fs::remove_all(entry.path(), ignored);
  fs::remove(out / kPicturePage, ignored);
  fs::remove(out / kPictureTrace, ignored);
}

void write_out(const RunFlags& flags, const ScenarioBatch& batch, const RunOutcome& outcome, const Results& results) {
  const fs::path out(flags.out);
  make_folder(out / "evidence");
  for (size_t i = 0; i < batch.tasks.size(); ++i) {
    if (!outcome.results[i] || outcome.results[i]->evidence.empty()) continue;
    const CaseResult& result = *outcome.results[i];
    std::string text = result.message + "\n";
    for (const std::string& note : result.notes) text += note + "\n";
    write_file(out / "evidence" / (id_of(batch, batch.tasks[i]) + ".txt"), text + result.evidence);
  }
  write_file(out / "results.json", to_json(results));
  write_reports(out, results);
}

}  // namespace

bool names_scenarios(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error) || path.ends_with(".yaml") || path.ends_with(".yml");
}

ExitCode run_scenarios(const RunFlags& flags, const std::vector<std::string>& named) {
  const ScenarioBatch batch = batch_of(flags, named);
  check_target(flags);
  prepare_out(flags.out);
  clear_out(flags.out);
  RunOutcome outcome;
  {
    Progress progress(stderr, ::isatty(STDERR_FILENO) == 1, "scenarios", batch.tasks.size());
    outcome = play_all(flags, batch, progress);
  }
  Results results = results_of(flags, batch, outcome);
  ExitCode code = report_trouble(outcome);
  if (outcome.interrupted) {
    fmt::print(stderr, "assay: interrupted: {} of {} played\n", results.cases.size(), batch.tasks.size());
  }
  std::string report = "none; --out DIR writes one";
  if (!flags.out.empty() && !results.cases.empty()) {
    try {
      if (!outcome.interrupted && !is_live(flags)) draw(flags, batch, results);
      write_out(flags, batch, outcome, results);
      report = (fs::path(flags.out) / "index.html").string();
    } catch (const WriteError& error) {
      fmt::print(stderr, "assay: {}\n", error.what());
      code = worst(code, kExitHarness);
    }
  }
  if (!results.cases.empty()) fmt::print("{}", summary_text(results, report));
  return worst(code, results.cases.empty() ? kExitInconclusive : exit_code(results));
}

}  // namespace assay
