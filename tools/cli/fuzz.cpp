#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <stdexcept>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/interruption.hpp"
#include "conformance/runner/status_line.hpp"
#include "fuzz/driver/campaign.hpp"
#include "fuzz/driver/live_campaign.hpp"
#include "fuzz/driver/live_pair.hpp"
#include "fuzz/driver/reproducer.hpp"
#include "reports/write_file.hpp"
#include "sim/base/paths.hpp"
#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"
#include "sim/target/xen/edges/edge_map.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

using fuzz::CampaignStatus;
using fuzz::ListedTarget;

constexpr const char* kDefaultOut = "assay-out/fuzz";

std::filesystem::path from_environment(const char* name, std::filesystem::path otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::move(otherwise) : std::filesystem::path(value);
}

std::vector<ListedTarget> all_targets() {
  const auto folder = from_environment("ASSAY_FUZZERS", program_folder());
  std::vector<ListedTarget> all = fuzz::list_targets(folder);
  if (all.empty()) {
    throw TargetUnavailable(fmt::format(
        "no fuzzers in {}: `tools/assay fuzz` builds them; or cmake --preset fuzz, cmake --build build/fuzz --target "
        "assay_fuzzers, and ASSAY_FUZZERS=build/fuzz/bin",
        folder.string()));
  }
  return all;
}

/// `who` asks: in front of the complaint.
const ListedTarget& target_named(const std::vector<ListedTarget>& all, const std::string& name,
                                 const std::string& who = "") {
  std::set<std::string> names;
  for (const ListedTarget& target : all) {
    if (target.name == name) return target;
    names.insert(target.name);
  }
  throw InputError(
      fmt::format("{}no such fuzz target: {}; --list prints them{}", who, name, did_you_mean(nearest(names, name))));
}

ExitCode list(const std::vector<ListedTarget>& all) {
  for (const ListedTarget& target : all) {
    fmt::print("{:<16} {}{}\n", target.name, target.reads, target.is_canary ? " (only when named)" : "");
  }
  return kExitExpected;
}

class Ticker : public fuzz::CampaignObserver {
 public:
  void on_status(const ListedTarget& target, const CampaignStatus& status) override {
    show(target.name + ": " + to_line(status));
  }
  void show(const std::string& line) {
    if (line_.is_due()) line_.show(line);
  }
  void clear() { line_.clear(); }

 private:
  static constexpr std::chrono::milliseconds kPlainEvery{10'000};
  bool terminal_ = isatty(STDERR_FILENO) == 1;
  StatusLine line_{stderr, terminal_, terminal_ ? std::chrono::milliseconds(0) : kPlainEvery};
};

/// What became of one target, for the terminal.
ExitCode tell(const ListedTarget& target, const fuzz::TargetOutcome& outcome) {
  fmt::print("{}: {}\n", target.name, to_line(outcome.status));
  if (!outcome.trouble.empty()) fmt::print(stderr, "assay: {}\n", outcome.trouble);
  if (outcome.crash) {
    fmt::print("broken: {}: {}\n    tools/assay fuzz --replay {}\n", outcome.crash->target, outcome.crash->reason,
               outcome.crash->reproducer.string());
  }
  std::fflush(stdout);
  if (outcome.interrupted) return kExitInterrupted;
  if (outcome.crash) return kExitUnexpected;
  return outcome.trouble.empty() ? kExitExpected : kExitHarness;
}

ExitCode fuzz_all(const std::vector<const ListedTarget*>& targets, const fuzz::CampaignOptions& options) {
  const Interruption interruption;
  Ticker ticker;
  ExitCode code = kExitExpected;
  for (const ListedTarget* const target : targets) {
    const fuzz::TargetOutcome outcome = fuzz_target(*target, options, interruption.fd(), ticker);
    ticker.clear();
    code = worst(code, tell(*target, outcome));
    if (outcome.interrupted) break;
  }
  fmt::print("{}: what was found is in {}; the same command goes on from there\n",
             code == kExitInterrupted ? "interrupted" : "done", options.out.string());
  return code;
}

/// Throws InputError for what is none of this program's.
fuzz::Reproducer read_reproducer(const std::string& path) {
  fuzz::Reproducer reproducer;
  try {
    reproducer = fuzz::reproducer_from_bytes(read_file(path));
  } catch (const std::invalid_argument& error) {
    throw InputError(fmt::format("{}: {}", path, error.what()));
  } catch (const std::runtime_error& error) {
    throw InputError(error.what());
  }
  if (reproducer.version == suite_version()) return reproducer;
  throw InputError(
      fmt::format("{}: made by version {}, this is {}: to this target its input may mean something else. Check out {}, "
                  "or fuzz anew",
                  path, reproducer.version, suite_version(), reproducer.version));
}

ExitCode tell_replay(const std::string& name, const std::optional<std::string>& reason) {
  fmt::print("{}: {}\n", name, reason ? "broken: " + *reason : "borne");
  return reason ? kExitUnexpected : kExitExpected;
}

ExitCode replay(const FuzzFlags& flags) {
  const fuzz::Reproducer reproducer = read_reproducer(flags.replay);
  if (reproducer.target == fuzz::kLiveTarget) {
    const TargetChoice live = choose_target(flags.target, {.fault = flags.fault});
    return tell_replay(live.name, fuzz::death_of(live.make, fuzz::calls_from(reproducer.input)));
  }
  const std::vector<ListedTarget> all = all_targets();
  const ListedTarget& target = target_named(all, reproducer.target, flags.replay + ": ");
  const std::filesystem::path input = flags.replay + ".input";
  write_file(input, reproducer.input);
  const std::optional<std::string> reason = run_once(target, input);
  std::filesystem::remove(input);
  return tell_replay(target.name, reason);
}

/// On the command line.
std::string words_for(const FuzzFlags& flags) {
  return "--target " + flags.target + (flags.fault.empty() ? "" : " --fault " + flags.fault);
}

ExitCode tell(const FuzzFlags& flags, const fuzz::LiveOutcome& outcome) {
  fmt::print("{}: {}\n", flags.target, to_line(outcome.status));
  for (const fuzz::LiveDeath& death : outcome.deaths) {
    fmt::print("broken: {}: {}\n    tools/assay fuzz {} --replay {}\n", flags.target, to_text(death), words_for(flags),
               death.reproducer.string());
  }
  if (outcome.interrupted) return kExitInterrupted;
  return outcome.deaths.empty() ? kExitExpected : kExitUnexpected;
}

/// Raw hypercalls on a hypervisor that runs by itself. Of the real Xen its code says how far they come.
ExitCode fuzz_live(const FuzzFlags& flags, const fuzz::CampaignOptions& options) {
  if (!flags.names.empty()) throw InputError("on another target than hv there are raw hypercalls only: name no TARGET");
  std::optional<xen::EdgeMap> edges;
  if (flags.target == "xen" && !flags.is_blind) edges.emplace();
  const TargetChoice target =
      choose_target(flags.target, {.fault = flags.fault, .edge_map = edges ? edges->path() : ""});
  fuzz::LiveTarget live{target.make, target.folder};
  if (edges) live.edges = [&edges] { return edges->take(); };
  const Interruption interruption;
  Ticker ticker;
  const fuzz::LiveOutcome outcome =
      fuzz::fuzz_live(live, options, interruption.fd(),
                      [&](const fuzz::LiveStatus& status) { ticker.show(target.name + ": " + to_line(status)); });
  ticker.clear();
  return tell(flags, outcome);
}

std::vector<const ListedTarget*> choose(const std::vector<ListedTarget>& all, const std::vector<std::string>& names) {
  std::vector<const ListedTarget*> targets;
  for (const std::string& name : names) targets.push_back(&target_named(all, name));
  for (const ListedTarget& target : all) {
    if (names.empty() && !target.is_canary) targets.push_back(&target);
  }
  return targets;
}

fuzz::CampaignOptions options_of(const FuzzFlags& flags) {
  fuzz::CampaignOptions options;
  options.out = flags.out.empty() ? kDefaultOut : flags.out;
  options.seeds = from_environment("ASSAY_CORPORA", "");
  options.time = std::chrono::seconds(flags.time_s);
  options.runs = flags.runs;
  options.jobs = flags.jobs;
  options.seed = flags.seed;
  options.version = suite_version();
  return options;
}

}  // namespace

ExitCode run_fuzz(const FuzzFlags& flags) {
  if (flags.is_blind && flags.target != "xen") {
    throw InputError(
        "--no-coverage: for --target xen only; of other targets than hv there is no coverage to leave out");
  }
  try {
    if (!flags.replay.empty()) return replay(flags);
    if (flags.target != "hv" || !flags.fault.empty()) return fuzz_live(flags, options_of(flags));
    const std::vector<ListedTarget> all = all_targets();
    if (flags.list) return list(all);
    return fuzz_all(choose(all, flags.names), options_of(flags));
  } catch (const TargetUnavailable& error) {
    fmt::print(stderr, "assay: {}\n", error.what());
    return kExitUnavailable;
  } catch (const WriteError& error) {
    if (!error.out_of_space()) throw InputError(error.what());
    fmt::print(stderr, "assay: {}; what was found so far is kept: make room, and the same command goes on\n",
               error.what());
    return kExitHarness;
  }
}

}  // namespace assay
