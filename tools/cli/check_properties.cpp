#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <ranges>

#include "conformance/runner/progress.hpp"
#include "fuzz/sequence/play.hpp"
#include "fuzz/sequence/property_check.hpp"
#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

using fuzz::Counterexample;
using fuzz::Task;
using fuzz::TaskResult;
using fuzz::TasksOutcome;

/// A sequence may take this long on the host; the limit of a case is too short for thousands of operations.
constexpr std::chrono::seconds kSequenceLimit{60};
/// Where a target takes seconds to boot, more is tried between two boots.
constexpr size_t kBatch = 64, kBatchOfSlowTargets = 100;

std::vector<Task> tasks_for(const CheckFlags& flags) {
  if (!flags.play.empty()) {
    try {
      return {fuzz::task_from_text(flags.play)};
    } catch (const std::invalid_argument& error) {
      throw InputError(fmt::format("--play: {}", error.what()));
    }
  }
  fuzz::PropertyPlan plan{.families = {}, .seed = flags.seed, .sequences = flags.sequences, .length = flags.length};
  for (const std::string& name : flags.families) {
    const fuzz::Family* const family = fuzz::find_family(name);
    if (family == nullptr) {
      throw InputError(fmt::format("--family {}: there is none of that name{}", name,
                                   did_you_mean(nearest(fuzz::family_names(), name))));
    }
    plan.families.push_back(family);
  }
  if (flags.families.empty()) plan.families.assign(fuzz::families().begin(), fuzz::families().end());
  if (!flags.differential.empty()) std::erase_if(plan.families, std::not_fn(fuzz::is_comparable));
  return fuzz::tasks_of(plan);
}

RunOptions options_of(const CheckFlags& flags, const TargetChoice& target) {
  RunOptions options;
  options.jobs = flags.jobs != 0 ? flags.jobs : target.jobs;
  options.seed = flags.seed;
  options.case_limit = std::max<std::chrono::milliseconds>(target.case_limit, kSequenceLimit);
  return options;
}

TasksOutcome run_on(const TargetChoice& target, const std::vector<Task>& tasks, const CheckFlags& flags) {
  Progress progress(stderr, ::isatty(STDERR_FILENO) == 1, target.name, tasks.size());
  return run_tasks(target.make, tasks, fuzz::Keep::kNothing, options_of(flags, target), progress);
}

std::string kind_of(const Task& task) {
  return fmt::format("{}@{}", task.family->name, to_string(task.type));
}

void keep_case(const std::string& folder, const Counterexample& found) {
  const std::filesystem::path file = std::filesystem::path(folder) / (kind_of(found.task) + ".cpp");
  write_file(file, fuzz::as_case(*found.task.family, found.task.type, found.code));
  fmt::print("    as a case: {}\n", file.string());
}

void print(const Counterexample& found, const std::string& target, const CheckFlags& flags) {
  fmt::print("fail {}\n    {}\n", kind_of(found.task), found.message);
  fmt::print("    {} operations, shrunk from {} in {:.1f} s, {} tried{}\n", found.task.sequence.size(),
             found.length_before, std::chrono::duration<double>(found.spent).count(), found.tried,
             found.is_minimal ? "" : "; not the smallest there is, or it fails only now and then");
  for (const std::string& line : found.code) {
    for (const auto part : std::views::split(line, '\n')) {
      fmt::print("        {}\n", std::string_view(part.begin(), part.end()));
    }
  }
  const std::string fault = flags.fault.empty() ? "" : fmt::format(" --fault {}", flags.fault);
  fmt::print("    tools/assay check --target {}{} --seed {} --play '{}'\n", target, fault, flags.seed,
             to_text(found.task));
  if (!flags.out.empty()) keep_case(flags.out, found);
}

/// The first failure of each family and type of guest, made small.
size_t report_failures(const std::vector<Task>& tasks, const TasksOutcome& outcome, const TargetChoice& target,
                       const CheckFlags& flags) {
  std::map<std::string, size_t> seen;
  size_t failures = 0;
  fuzz::ShrinkSettings settings{target.make, options_of(flags, target)};
  settings.batch = target.name == "hv" ? kBatch : kBatchOfSlowTargets;
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (!outcome.results[i] || !outcome.results[i]->failed()) continue;
    ++failures;
    if (!seen.emplace(kind_of(tasks[i]), i).second) continue;
    print(make_small(tasks[i], *outcome.results[i], settings), target.name, flags);
  }
  return failures;
}

uint64_t operations_of(const TasksOutcome& outcome) {
  uint64_t sum = 0;
  for (const auto& result : outcome.results) sum += result ? result->trace.size() : 0;
  return sum;
}

void print_totals(const TasksOutcome& outcome, const TargetChoice& target, size_t failures) {
  const double seconds = std::chrono::duration<double>(outcome.run.duration).count();
  const uint64_t operations = operations_of(outcome);
  fmt::print("target {}: {} sequences, {} operations, {} failed\n", target.name, outcome.results.size(), operations,
             failures);
  fmt::print("{:.2f} s, {:.0f} operations/s\n", seconds, static_cast<double>(operations) / seconds);
}

/// All of the tasks on one target, and what it was called.
struct Played {
  const TargetChoice& target;
  const TasksOutcome& outcome;
};

/// How many sequences came out otherwise on the two targets.
size_t report_differences(const std::vector<Task>& tasks, const Played& one, const Played& two) {
  size_t differences = 0;
  for (size_t i = 0; i < tasks.size(); ++i) {
    const auto& ours = one.outcome.results[i];
    const auto& theirs = two.outcome.results[i];
    if (!ours || !theirs || !differ(*ours, *theirs)) continue;
    if (++differences > 1) continue;  // the rest may be the same again
    Task shorter = tasks[i];
    shorter.sequence.resize(std::min(shorter.sequence.size(), first_difference(*ours, *theirs) + 1));
    const auto said = [](const TaskResult& result) { return result.failed() ? result.message : "as the model says"; };
    fmt::print("differs after operation {}: {}: {}; {}: {}\n    --play '{}'\n", shorter.sequence.size(),
               one.target.name, said(*ours), two.target.name, said(*theirs), to_text(shorter));
  }
  return differences;
}

/// Plays on one target and reports what is not as the model says. `failures` is set.
ExitCode play_on(const TargetChoice& target, const std::vector<Task>& tasks, const CheckFlags& flags,
                 TasksOutcome& outcome, size_t& failures) {
  outcome = run_on(target, tasks, flags);
  if (const ExitCode trouble = report_trouble(outcome.run); trouble != kExitExpected) return trouble;
  failures += report_failures(tasks, outcome, target, flags);
  print_totals(outcome, target, failures);
  return kExitExpected;
}

ExitCode compare(const std::vector<Task>& tasks, const CheckFlags& flags) {
  const size_t comma = flags.differential.find(',');
  if (comma == std::string::npos) {
    throw InputError(fmt::format("--differential {}: two targets with a comma between, hv,xen", flags.differential));
  }
  const TargetChoice one = choose_target(flags.differential.substr(0, comma), {.fault = flags.fault});
  const TargetChoice two = choose_target(flags.differential.substr(comma + 1));
  TasksOutcome first, second;
  size_t failures = 0;
  if (const ExitCode trouble = play_on(one, tasks, flags, first, failures); trouble != kExitExpected) return trouble;
  if (const ExitCode trouble = play_on(two, tasks, flags, second, failures); trouble != kExitExpected) return trouble;
  const size_t differences = report_differences(tasks, {one, first}, {two, second});
  fmt::print("{} and {}: {} sequences compared, {} operations, {} differ\n", one.name, two.name, tasks.size(),
             std::min(operations_of(first), operations_of(second)), differences);
  return failures + differences == 0 ? kExitExpected : kExitUnexpected;
}

}  // namespace

ExitCode check_properties(const CheckFlags& flags) {
  const std::vector<Task> tasks = tasks_for(flags);
  prepare_out(flags.out);
  if (!flags.differential.empty()) return compare(tasks, flags);
  TasksOutcome outcome;
  size_t failures = 0;
  const ExitCode trouble =
      play_on(choose_target(flags.target, {.fault = flags.fault}), tasks, flags, outcome, failures);
  if (trouble != kExitExpected) return trouble;
  return failures == 0 ? kExitExpected : kExitUnexpected;
}

}  // namespace assay
