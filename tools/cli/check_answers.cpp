#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "conformance/runner/false_answers.hpp"
#include "conformance/runner/progress.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

using nlohmann::json;

struct Totals {
  FalseAnswerTally answers;
  size_t cases = 0;                     ///< that passed undisturbed
  std::vector<std::string> never_fail;  ///< whatever was falsified
  std::vector<std::string> other;       ///< that did not pass undisturbed
  size_t not_run = 0;
  json per_case = json::object();
};

void add(Totals& totals, const Variant& variant, const std::optional<CaseResult>& result) {
  if (!result) {
    ++totals.not_run;
    return;
  }
  const auto tally = tally_of(*result);
  if (!tally) {
    totals.other.push_back(fmt::format("{}: {}", variant.id, to_string(result->verdict)));
    return;
  }
  ++totals.cases;
  totals.answers.tried += tally->tried;
  totals.answers.noticed += tally->noticed;
  totals.answers.upset += tally->upset;
  if (tally->noticed == 0) totals.never_fail.push_back(variant.id);
  totals.per_case[variant.id] = {
      {"tried", tally->tried}, {"noticed", tally->noticed}, {"upset", tally->upset}, {"unnoticed", tally->unnoticed}};
}

double percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void print(const Totals& totals, const std::string& target) {
  const FalseAnswerTally& answers = totals.answers;
  for (const std::string& id : totals.never_fail) fmt::print("never fails: {}\n", id);
  for (const std::string& line : totals.other) fmt::print("not checked: {}\n", line);
  fmt::print("target {}: {} cases, {} answers falsified one at a time\n", target, totals.cases, answers.tried);
  fmt::print("{} noticed ({:.1f} %), {} left the harness without a verdict, {} unnoticed\n", answers.noticed,
             percent(answers.noticed, answers.tried), answers.upset, answers.tried - answers.noticed - answers.upset);
  fmt::print("{} of {} cases failed at least once\n", totals.cases - totals.never_fail.size(), totals.cases);
  if (totals.not_run != 0) fmt::print("{} cases were not run\n", totals.not_run);
}

void write(const std::filesystem::path& file, const Totals& totals) {
  std::ofstream out(file);
  out << totals.per_case.dump(1) << '\n';
  if (!out) throw InputError(fmt::format("--out {}: cannot be written", file.string()));
}

}  // namespace

ExitCode check_answers(const CheckFlags& flags) {
  const TargetChoice target = choose_target(flags.target);
  const std::vector<Variant> variants = select_variants(all_variants(), flags.select);
  RunOptions options;
  options.jobs = flags.jobs != 0 ? flags.jobs : target.jobs;
  options.case_limit = std::chrono::minutes(10);  // of one case with each answer falsified
  options.grade = [seed = flags.seed](Target& subject, const Variant& variant) {
    return try_false_answers(subject, variant, seed);
  };
  RunOutcome outcome;
  {
    Progress progress(stderr, ::isatty(STDERR_FILENO) == 1, target.name, variants.size());
    outcome = run_variants(target.make, variants, options, progress);
  }
  const ExitCode trouble = report_trouble(outcome);
  Totals totals;
  for (size_t i = 0; i < variants.size(); ++i) add(totals, variants[i], outcome.results[i]);
  print(totals, target.name);
  if (!flags.out.empty()) write(flags.out, totals);
  if (trouble != kExitExpected) return trouble;
  return totals.never_fail.empty() && totals.other.empty() ? kExitExpected : kExitUnexpected;
}

}  // namespace assay
