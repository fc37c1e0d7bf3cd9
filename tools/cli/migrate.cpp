/// `assay migrate`: domains that move between simulated hosts, to and fro or with everything that can go wrong.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <thread>

#include "conformance/runner/progress.hpp"
#include "conformance/runner/runner.hpp"
#include "fuzz/faults/catalogue.hpp"
#include "reports/write_file.hpp"
#include "sim/base/paths.hpp"
#include "sim/input/input_error.hpp"
#include "sim/toolstack/toolstack.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/migrate_page.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

using hosts::MoveCase;
using hosts::SweepWay;

/// Moves of one task: enough of them that boots do not matter, few enough for several workers.
constexpr uint64_t kMovesPerTask = 50;
constexpr std::chrono::seconds kCaseLimit{120};
constexpr std::chrono::seconds kShrinkLimit{180};
constexpr size_t kShownMax = 10;

std::vector<std::filesystem::path> cores_of(const MigrateFlags& flags) {
  const auto core = [&](const std::string& name) {
    if (flags.fault.empty()) return core_path(name);
    if (name != "hv") {
      throw InputError(fmt::format("--fault {}: only the bundled core has planted faults", flags.fault));
    }
    return artifact("hv-faults.so");
  };
  return {core(flags.target), core(flags.onto.empty() ? flags.target : flags.onto)};
}

TargetFactory factory_of(const MigrateFlags& flags) {
  const std::string command_line = flags.fault.empty() ? "" : "fault=" + find_fault(flags.fault).name;
  return [cores = cores_of(flags), command_line] { return std::make_unique<MovesTarget>(cores, command_line); };
}

std::vector<SweepWay> ways_of(const MigrateFlags& flags) {
  if (flags.is_live && flags.guest == "pv64") {
    throw InputError(
        "--live --guest pv64: writes of PV domains cannot be tracked without shadow page tables; leave out one");
  }
  std::vector<SweepWay> ways;
  for (const SweepWay& way : hosts::all_ways()) {
    const bool is_guest = flags.guest.empty() || flags.guest == to_string(way.type);
    const bool is_kind = (!flags.is_live && !flags.is_suspended) || way.is_live == flags.is_live;
    if (is_guest && is_kind) ways.push_back(way);
  }
  return ways;
}

/// What the flags say of every case.
MoveCase plain_case(const MigrateFlags& flags, const SweepWay& way) {
  MoveCase one;
  one.type = way.type;
  one.is_live = way.is_live;
  one.seed = flags.seed;
  one.pages = flags.pages;
  one.writes_per_ms = flags.dirty_rate;
  one.rounds_max = flags.rounds;
  one.has_traffic = !flags.no_traffic;
  return one;
}

std::vector<MoveCase> moves_cases(const MigrateFlags& flags, const SweepWay& way) {
  MoveCase one = plain_case(flags, way);
  if (!flags.point.empty()) {
    const auto point = hosts::fault_point_from(flags.point);
    if (!point) {
      throw InputError(fmt::format(
          "--point {}: no such place; one is FAULT:PART:BYTE (lost, vanished, corrupted, reordered, duplicated, "
          "truncated, delayed, full, source-died), source-call:N, target-call:N or target-room:PAGES",
          flags.point));
    }
    one.fault = *point;
    one.moves = flags.moves;
    return {one};
  }
  std::vector<MoveCase> cases;
  for (uint64_t left = flags.moves; left != 0; left -= one.moves) {
    one.moves = std::min(left, kMovesPerTask);
    cases.push_back(one);
    ++one.seed;
  }
  return cases;
}

std::vector<MoveCase> sweep_of(const MigrateFlags& flags, const TargetFactory& factory) {
  const auto target = factory();
  std::vector<MoveCase> cases;
  for (const SweepWay& way : ways_of(flags)) {
    for (MoveCase& one : hosts::sweep_cases(dynamic_cast<MovesTarget&>(*target).player(), plain_case(flags, way))) {
      cases.push_back(one);
    }
  }
  return cases;
}

using Play = std::function<CaseResult(MovesTarget& target, const MoveCase& one)>;

RunOutcome play_all(const TargetFactory& factory, const std::vector<MoveCase>& cases, const Play& play,
                    RunOptions options, RunObserver& observer) {
  std::vector<Variant> variants(cases.size());
  std::map<std::string, const MoveCase*> by_id;
  for (size_t i = 0; i < cases.size(); ++i) {
    variants[i].id = hosts::id_of(cases[i]);
    by_id.emplace(variants[i].id, &cases[i]);
  }
  options.grade = [&](Target& target, const Variant& variant) {
    return play(dynamic_cast<MovesTarget&>(target), *by_id.at(variant.id));
  };
  options.limits_count = LimitsCount::kProcessorTime;
  return run_variants(factory, variants, options, observer);
}

std::string reproduction(const MigrateFlags& flags, const std::string& case_flags) {
  const std::string target = flags.target == "hv" ? "" : " --target " + flags.target;
  const std::string onto = flags.onto.empty() ? "" : " --onto " + flags.onto;
  const std::string fault = flags.fault.empty() ? "" : " --fault " + flags.fault;
  return "tools/assay migrate" + target + onto + fault + case_flags;
}

bool is_wrong(const std::optional<CaseResult>& result) {
  return result && result->verdict != Verdict::kPass;
}

/// Small ones of the first few that fail.
std::vector<std::string> small_ones(const TargetFactory& factory, const std::vector<MoveCase>& failing) {
  RunOptions options;
  options.case_limit = kShrinkLimit;
  RunObserver silent;
  const RunOutcome outcome = play_all(
      factory, failing, [](MovesTarget& target, const MoveCase& one) { return target.shrink(one); }, options, silent);
  std::vector<std::string> flags;
  for (size_t i = 0; i < failing.size(); ++i) {
    const auto& result = outcome.results[i];
    flags.push_back(result && result->verdict == Verdict::kPass ? result->message : hosts::flags_of(failing[i]));
  }
  return flags;
}

/// The first few, with what is left of them.
std::vector<MigrationPage::Failure> failures_of(const MigrateFlags& flags, const TargetFactory& factory,
                                                const std::vector<MoveCase>& cases, const RunOutcome& outcome) {
  std::vector<MoveCase> failing;
  std::vector<size_t> indices;
  for (size_t i = 0; i < cases.size() && failing.size() < kShownMax; ++i) {
    if (!is_wrong(outcome.results[i])) continue;
    failing.push_back(cases[i]);
    indices.push_back(i);
  }
  std::vector<MigrationPage::Failure> failures;
  if (failing.empty()) return failures;
  const std::vector<std::string> small = small_ones(factory, failing);
  for (size_t i = 0; i < failing.size(); ++i) {
    const CaseResult& result = *outcome.results[indices[i]];
    MigrationPage::Failure failure{hosts::id_of(failing[i]) + ": " + result.message, {}};
    for (const std::string& note : result.notes) failure.lines.push_back("also: " + note);
    failure.lines.push_back("as it was found: " + reproduction(flags, hosts::flags_of(failing[i])));
    failure.lines.push_back("made small:      " + reproduction(flags, small[i]));
    failures.push_back(failure);
  }
  return failures;
}

void print_failures(const std::vector<MigrationPage::Failure>& failures) {
  for (const MigrationPage::Failure& failure : failures) {
    fmt::print("\n{}\n", failure.what);
    for (const std::string& line : failure.lines) fmt::print("  {}\n", line);
  }
}

/// False: it could not be written, which is said.
bool write_page(const MigrateFlags& flags, const TargetFactory& factory, const std::vector<MoveCase>& cases,
                const RunOutcome& outcome, const std::vector<MigrationPage::Failure>& failures) {
  RunOptions options;
  options.case_limit = kCaseLimit;
  RunObserver silent;
  const RunOutcome drawn = play_all(
      factory, {cases.back()}, [](MovesTarget& target, const MoveCase& one) { return target.draw(one); }, options,
      silent);
  const auto& move = drawn.results.front();
  const std::filesystem::path file = std::filesystem::path(flags.out) / "migration.html";
  try {
    write_file(file, migration_page(
                         page_of({flags, cases, outcome, failures, move ? move->notes : std::vector<std::string>{}})));
  } catch (const WriteError& error) {
    fmt::print(stderr, "assay: {}\n", error.what());
    return false;
  }
  fmt::print("page: {}\n", file.string());
  return true;
}

void print_way(const SweepWay& way, const std::vector<MoveCase>& cases, const RunOutcome& outcome) {
  MovesSummary sum;
  size_t played = 0, wrong = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].type != way.type || cases[i].is_live != way.is_live || !outcome.results[i]) continue;
    ++played;
    wrong += is_wrong(outcome.results[i]) ? 1u : 0u;
    sum.add(numbers_in(*outcome.results[i]));
  }
  if (played == 0) return;
  fmt::print("{} {}: {} cases, {} moves: {} arrived, {} stayed, {} lost with their host; {} cases wrong\n",
             to_string(way.type), way.is_live ? "live" : "suspended", played, sum.moves, sum.arrived, sum.stayed,
             sum.lost, wrong);
  if (sum.arrived == 0) return;
  constexpr uint64_t kNsPerUs = 1000, kMiB = 1 << 20;
  fmt::print(
      "  {} pages and {} MiB sent, {:.1f} rounds a move; the domain stood still for {} us on average, {} at most\n",
      sum.pages, sum.bytes / kMiB, static_cast<double>(sum.rounds) / static_cast<double>(sum.moves),
      sum.downtime_ns / sum.arrived / kNsPerUs, sum.downtime_most_ns / kNsPerUs);
}

}  // namespace

ExitCode run_migrate(const MigrateFlags& flags) {
  const TargetFactory factory = factory_of(flags);
  prepare_out(flags.out);
  std::vector<MoveCase> cases;
  try {
    if (flags.is_sweep) cases = sweep_of(flags, factory);
    for (const SweepWay& way : ways_of(flags)) {
      if (flags.is_sweep) continue;
      const std::vector<MoveCase> more = moves_cases(flags, way);
      cases.insert(cases.end(), more.begin(), more.end());
    }
  } catch (const TargetUnavailable& missing) {
    fmt::print(stderr, "assay: {}\n", missing.what());
    return kExitUnavailable;
  } catch (const ToolstackError& error) {
    fmt::print("a migration {}\n", error.what());
    return kExitUnexpected;
  }
  RunOptions options;
  options.jobs = flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
  options.case_limit = kCaseLimit;
  RunOutcome outcome;
  {
    Progress progress(stderr, ::isatty(STDERR_FILENO) == 1, "migrations", cases.size());
    outcome = play_all(
        factory, cases, [](MovesTarget& target, const MoveCase& one) { return target.play(one); }, options, progress);
  }
  ExitCode code = report_trouble(outcome);
  for (const SweepWay& way : hosts::all_ways()) print_way(way, cases, outcome);
  const auto wrong = std::ranges::count_if(outcome.results, is_wrong);
  const auto seconds = std::chrono::duration_cast<std::chrono::milliseconds>(outcome.duration).count();
  fmt::print("{} of {} cases, {} wrong, {:.1f} s\n",
             std::ranges::count_if(outcome.results, [](const auto& result) { return result.has_value(); }),
             cases.size(), wrong, static_cast<double>(seconds) / 1000);
  if (outcome.interrupted) {
    fmt::print("interrupted: this is a part of it only{}\n", flags.out.empty() ? "" : ", and no page of it is written");
    return worst(code, wrong == 0 ? kExitExpected : kExitUnexpected);
  }
  const std::vector<MigrationPage::Failure> failures = failures_of(flags, factory, cases, outcome);
  print_failures(failures);
  if (!flags.out.empty() && !write_page(flags, factory, cases, outcome, failures)) code = worst(code, kExitHarness);
  return worst(code, wrong == 0 ? kExitExpected : kExitUnexpected);
}

}  // namespace assay
