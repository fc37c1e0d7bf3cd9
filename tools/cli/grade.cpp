#include "conformance/runner/grade.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "conformance/runner/progress.hpp"
#include "reports/report_files.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

std::vector<TargetChoice> choose_targets(std::vector<std::string> names, const TargetWishes& wishes) {
  if (names.empty())
    names = wishes.fault.empty() ? std::vector<std::string>{"hv", "xen"} : std::vector<std::string>{"hv"};
  std::vector<TargetChoice> choices;
  std::set<std::string> folders;
  for (const std::string& name : names) {
    choices.push_back(choose_target(name, wishes));
    if (!folders.insert(choices.back().folder).second) {
      throw InputError(fmt::format("--target {}: another target of this run is called {}, too; run them one by one",
                                   name, choices.back().folder));
    }
  }
  return choices;
}

/// What all targets of one command are graded by.
struct GradeTask {
  std::vector<Variant> selected;
  Expectations expectations;
  Claims claims;
};

GradeTask make_task(const GradeFlags& flags) {
  const std::vector<Variant> all = all_variants();
  GradeTask task{select_variants(all, flags.select), {}, choose_claims(flags.profiles, all)};
  if (!flags.profiles.empty()) task.selected = claimed_variants(task.claims, task.selected);
  if (task.selected.empty()) {
    throw InputError("no case is in both --profile and --select; `assay list profiles` prints what there is");
  }
  if (!flags.expect.empty()) task.expectations = Expectations(YamlInput::from_file(flags.expect), all);
  return task;
}

std::vector<std::string> reproduction_options(const GradeFlags& flags) {
  std::vector<std::string> options;
  if (flags.guest != TargetWishes{}.guest) options.insert(options.end(), {"--guest", flags.guest});
  if (!flags.fault.empty()) options.insert(options.end(), {"--fault", flags.fault});
  if (flags.case_limit_s != 0) options.insert(options.end(), {"--case-limit", std::to_string(flags.case_limit_s)});
  if (flags.repeat_failures != GradeFlags{}.repeat_failures) {
    options.insert(options.end(), {"--repeat-failures", std::to_string(flags.repeat_failures)});
  }
  for (const std::string& profile : flags.profiles) options.insert(options.end(), {"--profile", profile});
  if (!flags.expect.empty()) options.insert(options.end(), {"--expect", flags.expect});
  return options;
}

GradeRequest make_request(const GradeFlags& flags, const TargetChoice& target, const GradeTask& task,
                          const std::filesystem::path& out) {
  GradeRequest request;
  request.run = {target.name, flags.command, flags.seed, reproduction_options(flags)};
  request.variants = task.selected;
  request.expectations = task.expectations;
  request.claims = task.claims;
  if (flags.profiles.empty()) request.claims.claimed.insert(target.claims.begin(), target.claims.end());
  request.options.jobs = flags.jobs != 0 ? flags.jobs : target.jobs;
  request.options.seed = flags.seed;
  request.options.case_limit = flags.case_limit_s != 0 ? std::chrono::seconds(flags.case_limit_s) : target.case_limit;
  request.options.repeat.more = flags.repeat_failures;
  request.out = out;
  return request;
}

bool is_part(const GradeFlags& flags) {
  return !flags.select.empty() || !flags.profiles.empty();
}

/// A part of the suite, such as the line that reproduces a failure, must not overwrite the report of the whole.
std::filesystem::path out_folder(const GradeFlags& flags, const TargetChoice& target, size_t targets) {
  if (flags.out.empty()) {
    const std::filesystem::path whole("assay-out");
    return (is_part(flags) ? whole / "selected" : whole) / target.folder;
  }
  return targets == 1 ? std::filesystem::path(flags.out) : std::filesystem::path(flags.out) / target.folder;
}

ExitCode grade_one(const TargetChoice& target, const GradeRequest& request) {
  Graded graded;
  {
    Progress progress(stderr, ::isatty(STDERR_FILENO) == 1, target.name, request.variants.size());
    graded = grade(target.make, request, progress);
  }
  std::fflush(stderr);
  fmt::print("{}", graded.text);
  std::fflush(stdout);
  if (!graded.diagnostics.empty()) fmt::print(stderr, "assay: {}", graded.diagnostics);
  return graded.code;
}

/// One page with all targets beside those of each. The runs are over: what goes wrong here costs none of them.
ExitCode put_side_by_side(const std::vector<std::filesystem::path>& folders) {
  try {
    std::vector<ReportSource> sources;
    for (const auto& folder : folders) sources.push_back(read_source(folder));
    const std::filesystem::path out = folders.front().parent_path();
    write_side_by_side(out, sources);
    fmt::print("\nside by side: {}\n", (out / "index.html").string());
    return kExitExpected;
  } catch (const std::runtime_error& error) {
    fmt::print(stderr, "assay: {}\n", error.what());
    return kExitHarness;
  }
}

}  // namespace

ExitCode run_grade(const GradeFlags& flags) {
  const GradeTask task = make_task(flags);
  const std::vector<TargetChoice> targets = choose_targets(flags.targets, {flags.restart, flags.guest, flags.fault});
  ExitCode code = kExitExpected;
  std::vector<std::filesystem::path> graded;
  for (const TargetChoice& target : targets) {
    const auto folder = out_folder(flags, target, targets.size());
    const ExitCode one = grade_one(target, make_request(flags, target, task, folder));
    code = worst(code, one);
    if (code == kExitInterrupted) return code;
    if (one != kExitUnavailable && one != kExitHarness) graded.push_back(folder);
    if (&target != &targets.back()) fmt::print("\n");
  }
  return graded.size() > 1 ? worst(code, put_side_by_side(graded)) : code;
}

}  // namespace assay
