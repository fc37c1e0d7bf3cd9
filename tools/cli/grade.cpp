#include "conformance/runner/grade.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "conformance/runner/input_error.hpp"
#include "conformance/runner/progress.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

std::vector<TargetChoice> choose_targets(std::vector<std::string> names) {
  if (names.empty()) names = {"hv", "xen"};
  std::vector<TargetChoice> choices;
  std::set<std::string> folders;
  for (const std::string& name : names) {
    choices.push_back(choose_target(name));
    if (!folders.insert(choices.back().folder).second) {
      throw InputError(fmt::format("--target {}: another target of this run is called {}, too; run them one by one",
                                   name, choices.back().folder));
    }
  }
  return choices;
}

GradeRequest make_request(const GradeFlags& flags, const TargetChoice& target, const std::vector<Variant>& selected,
                          const Expectations& expectations, const std::filesystem::path& out) {
  GradeRequest request;
  request.run = {target.name, flags.command, flags.seed};
  request.variants = selected;
  request.expectations = expectations;
  request.options.jobs = flags.jobs != 0 ? flags.jobs : target.jobs;
  request.options.seed = flags.seed;
  request.options.case_limit = flags.case_limit_s != 0 ? std::chrono::seconds(flags.case_limit_s) : target.case_limit;
  request.out = out;
  return request;
}

/// A part of the suite, such as the line that reproduces a failure, must not overwrite the report of the whole.
std::filesystem::path out_folder(const GradeFlags& flags, const TargetChoice& target, size_t targets) {
  if (flags.out.empty()) {
    const std::filesystem::path whole("assay-out");
    return (flags.select.empty() ? whole : whole / "selected") / target.folder;
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

}  // namespace

ExitCode run_grade(const GradeFlags& flags) {
  const std::vector<Variant> all = all_variants();
  const std::vector<Variant> selected = select_variants(all, flags.select);
  const std::vector<TargetChoice> targets = choose_targets(flags.targets);
  const Expectations expectations =
      flags.expect.empty() ? Expectations() : Expectations(YamlInput::from_file(flags.expect), all);
  ExitCode code = kExitExpected;
  for (const TargetChoice& target : targets) {
    const auto folder = out_folder(flags, target, targets.size());
    code = worst(code, grade_one(target, make_request(flags, target, selected, expectations, folder)));
    if (code == kExitInterrupted) break;
    if (&target != &targets.back()) fmt::print("\n");
  }
  return code;
}

}  // namespace assay
