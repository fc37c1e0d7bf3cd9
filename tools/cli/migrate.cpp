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
#include "tools/cli/migrate_report.hpp"
#include "tools/cli/moves_target.hpp"
#include "tools/cli/played_moves.hpp"
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

HostOptions host_of(const MigrateFlags& flags, const std::string& core, const std::string& fault, const char* flag) {
  HostOptions options;
  if (flags.is_unicorn) options.guests = HostOptions::Guests::kUnicorn;
  options.core = core_path(core);
  if (fault.empty()) return options;
  if (core != "hv") throw InputError(fmt::format("{} {}: only the bundled core has planted faults", flag, fault));
  options.core = artifact("hv-faults.so");
  options.command_line = "fault=" + find_fault(fault).name;
  return options;
}

/// The second host is as the first one, unless something is said of it.
std::vector<HostOptions> hosts_of(const MigrateFlags& flags) {
  const HostOptions first = host_of(flags, flags.target, flags.fault, "--fault");
  if (flags.onto.empty() && flags.onto_fault.empty()) return {first, first};
  return {first, host_of(flags, flags.onto.empty() ? flags.target : flags.onto, flags.onto_fault, "--onto-fault")};
}

TargetFactory factory_of(const MigrateFlags& flags) {
  return [hosts = hosts_of(flags)] { return std::make_unique<MovesTarget>(hosts); };
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
  one.vcpus = flags.vcpus;
  one.pages = flags.pages;
  one.writes_per_ms = flags.dirty_rate;
  one.rounds_max = flags.rounds;
  one.has_traffic = !flags.no_traffic;
  one.is_abrupt = flags.is_abrupt;
  return one;
}

std::vector<MoveCase> moves_cases(const MigrateFlags& flags, const SweepWay& way) {
  MoveCase one = plain_case(flags, way);
  if (!flags.point.empty()) {
    const auto point = hosts::fault_point_from(flags.point);
    if (!point) {
      throw InputError(fmt::format(
          "--point {}: no such place; one is FAULT:PART:BYTE (lost, vanished, corrupted, reordered, duplicated, "
          "truncated, delayed, full, source-died), source-call:N:ERROR or target-call:N:ERROR (ENOMEM, EBUSY, EAGAIN, "
          "EFAULT, EPERM, ENOSPC), source-dies:N, target-dies:N, target-room:PAGES, target-memory:PAGES or "
          "target-pool:KIB",
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

std::vector<MoveCase> cases_of(const MigrateFlags& flags, hosts::MovePlayer& player) {
  std::vector<MoveCase> cases;
  for (const SweepWay& way : ways_of(flags)) {
    const MoveCase plain = plain_case(flags, way);
    const std::vector<MoveCase> more = flags.is_sweep      ? hosts::sweep_cases(player, plain)
                                       : flags.random != 0 ? hosts::random_cases(player, plain, flags.random)
                                                           : moves_cases(flags, way);
    cases.insert(cases.end(), more.begin(), more.end());
  }
  std::vector<MoveCase> some;
  for (size_t i = 0; i < cases.size(); i += flags.every) some.push_back(cases[i]);
  return some;
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
std::vector<WrongMoves> first_wrong(const TargetFactory& factory, const PlayedMoves& played) {
  std::vector<MoveCase> failing;
  std::vector<WrongMoves> wrong;
  for (size_t i = 0; i < played.cases.size() && failing.size() < kShownMax; ++i) {
    if (!played.is_wrong(i)) continue;
    failing.push_back(played.cases[i]);
    wrong.push_back({i, {}});
  }
  if (failing.empty()) return wrong;
  const std::vector<std::string> small = small_ones(factory, failing);
  for (size_t i = 0; i < wrong.size(); ++i) wrong[i].small = small[i];
  return wrong;
}

void print_wrong(const PlayedMoves& played) {
  for (const WrongMoves& wrong : played.wrong) {
    const CaseResult& result = *played.outcome.results[wrong.index];
    const MoveCase& one = played.cases[wrong.index];
    fmt::print("\n{}: {}\n", hosts::id_of(one), result.message);
    for (const std::string& note : result.notes) fmt::print("  also: {}\n", note);
    fmt::print("  as it was found: {}\n  made small:      {}\n", reproduction(played.flags, hosts::flags_of(one)),
               reproduction(played.flags, wrong.small));
  }
}

/// False: it could not be written, which is said.
bool write_out(const PlayedMoves& played) {
  try {
    write_migrations(played);
  } catch (const WriteError& error) {
    fmt::print(stderr, "assay: {}\n", error.what());
    return false;
  }
  const std::filesystem::path out = played.flags.out;
  fmt::print("page: {}\nreport: {}\n", (out / kMigrationPage).string(), (out / "index.html").string());
  return true;
}

void print_way(const SweepWay& way, const PlayedMoves& played) {
  MovesSummary sum;
  size_t count = 0, wrong = 0;
  for (size_t i = 0; i < played.cases.size(); ++i) {
    const MoveCase& one = played.cases[i];
    if (one.type != way.type || one.is_live != way.is_live || !played.outcome.results[i]) continue;
    ++count;
    wrong += played.is_wrong(i) ? 1u : 0u;
    sum.add(played.records[i]);
  }
  if (count == 0) return;
  fmt::print("{} {}: {} cases, {} moves: {} arrived, {} stayed, {} lost with their host; {} cases wrong\n",
             to_string(way.type), way.is_live ? "live" : "suspended", count, sum.moves, sum.arrived, sum.stayed,
             sum.lost, wrong);
  if (sum.arrived == 0) return;
  constexpr uint64_t kNsPerUs = 1000, kMiB = 1 << 20;
  fmt::print(
      "  {} pages of memory sent, those that were written again counted again: {} MiB of streams, {:.1f} rounds a "
      "move;\n"
      "  the domain stood still for {} us of virtual time on average, {} at most\n",
      sum.pages, sum.bytes / kMiB, static_cast<double>(sum.rounds) / static_cast<double>(sum.moves),
      sum.downtime_ns / sum.arrived / kNsPerUs, sum.downtime_most_ns / kNsPerUs);
}

/// A point at which nothing was says nothing about what would have come of it.
void tell_unmet_points(const MigrateFlags& flags, const std::vector<MoveCase>& cases, RunOutcome& outcome) {
  for (size_t i = 0; i < cases.size() && !flags.point.empty(); ++i) {
    auto& result = outcome.results[i];
    if (!result || result->verdict != Verdict::kPass || cases[i].fault == hosts::FaultPoint{}) continue;
    const MoveRecord record = decode_move_record(result->console);
    if (record.has_struck) continue;
    result->verdict = Verdict::kInconclusive;
    result->message = fmt::format(
        "--point {}: a {} move never met it, and went as without a fault. There are {} parts of its stream "
        "(FAULT:PART:BYTE, PART from 0 to {}), {} hypercalls of saving (source-call and source-dies, from 0 to {}), {} "
        "of restoring (target-call and target-dies, from 0 to {}), and target-room and target-memory of less than the "
        "{} pages of the domain; merged and holed need records of pages that allow it",
        flags.point, way_of(cases[i]), record.parts, record.parts - 1, record.source_calls, record.source_calls - 1,
        record.target_calls, record.target_calls - 1, cases[i].pages);
    fmt::print(stderr, "assay: {}\n", result->message);
  }
}

ExitCode code_of(const PlayedMoves& played) {
  if (played.wrong_count() != 0) return kExitUnexpected;
  return played.unmet_count() != 0 ? kExitInconclusive : kExitExpected;
}

void print_all(const PlayedMoves& played) {
  for (const SweepWay& way : hosts::all_ways()) print_way(way, played);
  if (!played.flags.point.empty()) fmt::print("with --point, the domain moves once more afterwards, without a fault\n");
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(played.outcome.duration).count();
  fmt::print("{} of {} cases, {} wrong, {:.1f} s\n", played.played(), played.cases.size(), played.wrong_count(),
             static_cast<double>(ms) / 1000);
}

}  // namespace

ExitCode run_migrate(const MigrateFlags& flags) {
  const TargetFactory factory = factory_of(flags);
  prepare_out(flags.out);
  std::vector<MoveCase> cases;
  try {
    // Here as well as in each worker: what keeps domains from moving at all is said once, and before anything else.
    const auto target = factory();
    cases = cases_of(flags, dynamic_cast<MovesTarget&>(*target).player());
  } catch (const TargetUnavailable& missing) {
    fmt::print(stderr, "assay: {}\n", missing.what());
    return kExitUnavailable;
  } catch (const TargetDied& died) {
    fmt::print("a host died: {}\n", died.what());
    return kExitUnexpected;
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
  tell_unmet_points(flags, cases, outcome);
  PlayedMoves played(flags, std::move(cases), std::move(outcome));
  print_all(played);
  if (played.outcome.interrupted) {
    fmt::print("interrupted: this is a part of it only\n");
  } else {
    played.wrong = first_wrong(factory, played);
    print_wrong(played);
  }
  if (!flags.out.empty() && played.played() != 0 && !write_out(played)) code = worst(code, kExitHarness);
  return worst(code, code_of(played));
}

}  // namespace assay
