/// `assay run` of scenarios: many seeds in worker processes, and their results as any run reports them.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <thread>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/progress.hpp"
#include "conformance/runner/summary_text.hpp"
#include "fuzz/faults/catalogue.hpp"
#include "reports/report_files.hpp"
#include "reports/write_file.hpp"
#include "sim/base/paths.hpp"
#include "sim/engine/core_object.hpp"
#include "sim/engine/machine_digest.hpp"
#include "sim/input/input_error.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/scenario_run.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/scenario_picture.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;
using scenario::Outcome;
using scenario::Scenario;
using scenario::ScenarioRunner;

constexpr uint64_t kRunsMax = 1'000'000;
constexpr std::chrono::seconds kSeedLimit{60};
constexpr std::chrono::seconds kPictureLimit{3 * kSeedLimit};  // two runs and what comes of them

/// One seed of one scenario.
struct Task {
  size_t scenario;
  uint64_t seed;
};

struct Batch {
  std::vector<fs::path> files;
  std::vector<Scenario> scenarios;
  std::vector<Task> tasks;
};

/// The core that plays scenarios, as the runner of cases sees it: it has a name, and guests only the scenarios know.
class ScenarioTarget final : public Target {
 public:
  explicit ScenarioTarget(const fs::path& core) {
    const CoreObject object(core);
    info_ = {"hv", object.name(), object.version(), {Capability::kVirtualTime, Capability::kSteer}};
  }
  [[nodiscard]] const TargetInfo& info() const override { return info_; }
  void begin_case(uint64_t) override { none(); }
  Domain& dom0() override { none(); }
  Domain& create_guest(const GuestSpec&) override { none(); }
  void destroy_guest(Domain&) override { none(); }
  Vcpu& attach_vcpu(Domain&, uint32_t) override { none(); }
  void pass_time(uint64_t) override { none(); }
  [[nodiscard]] uint64_t patience_ns() const override { return kPatienceNs; }
  std::string console() override { return ""; }
  void type_console(std::string_view) override { none(); }
  [[nodiscard]] uint64_t digest() const override { return 0; }
  std::string audit() override { return ""; }
  [[nodiscard]] uint32_t boots() const override { return 0; }
  std::string evidence() override { return ""; }

 private:
  [[noreturn]] static void none() { throw HarnessFault("a scenario has guests of its own"); }
  TargetInfo info_;
};

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

struct Seeds {
  uint64_t first;
  uint64_t last;
};

Seeds seeds_of(const RunFlags& flags) {
  if (flags.seeds.empty()) return {flags.seed, flags.seed};
  const size_t dots = flags.seeds.find("..");
  const auto number = [&](std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) {
      throw InputError(fmt::format("--seeds {}: expected two numbers with dots between: 1..100", flags.seeds));
    }
    return value;
  };
  if (dots == std::string::npos) return {number(flags.seeds), number(flags.seeds)};
  const Seeds seeds{number(std::string_view(flags.seeds).substr(0, dots)),
                    number(std::string_view(flags.seeds).substr(dots + 2))};
  if (seeds.first > seeds.last)
    throw InputError(fmt::format("--seeds {}: the first is greater than the last", flags.seeds));
  if (seeds.last - seeds.first >= kRunsMax)
    throw InputError(fmt::format("--seeds {}: at most {}", flags.seeds, kRunsMax));
  return seeds;
}

Batch batch_of(const RunFlags& flags) {
  Batch batch;
  batch.files = files_of(flags.kernel);
  const Seeds seeds = seeds_of(flags);
  for (size_t i = 0; i < batch.files.size(); ++i) {
    batch.scenarios.push_back(scenario::read_scenario_file(batch.files[i]));
    for (uint64_t seed = seeds.first;; ++seed) {
      batch.tasks.push_back({i, seed});
      if (seed == seeds.last) break;
    }
  }
  return batch;
}

Verdict verdict_of(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::kPass:
      return Verdict::kPass;
    case Outcome::Kind::kFail:
      return Verdict::kFail;
    case Outcome::Kind::kCrash:
      return Verdict::kCrash;
    case Outcome::Kind::kHang:
      return Verdict::kTimeout;
    case Outcome::Kind::kSkip:
      break;
  }
  return Verdict::kSkip;
}

/// What a worker keeps from one seed to the next: the machine of a scenario.
class Player {
 public:
  Player(const Batch& batch, fs::path core, std::string command_line)
      : batch_(batch), core_(std::move(core)), command_line_(std::move(command_line)) {}

  CaseResult play(const Task& task) {
    CaseResult result;
    const auto start = std::chrono::steady_clock::now();
    try {
      take(runner_of(task).run(task.seed), result);
    } catch (const TargetDied& died) {
      result.verdict = Verdict::kCrash;
      result.message = fmt::format("the core does not boot: {}", died.what());
    } catch (const std::exception& error) {
      result.verdict = Verdict::kError;
      result.message = error.what();
    }
    const auto spent = std::chrono::steady_clock::now() - start;
    result.duration_us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
    return result;
  }

  /// A pass: it is drawn.
  CaseResult draw(const Task& task, const PictureRequest& request) {
    CaseResult result;
    try {
      const bool is_drawn = draw_picture(request, batch_.scenarios[task.scenario], runner_of(task));
      result.verdict = is_drawn ? Verdict::kPass : Verdict::kSkip;
    } catch (const std::exception& error) {
      result.message = error.what();
    }
    return result;
  }

 private:
  ScenarioRunner& runner_of(const Task& task) {
    if (runner_ == nullptr || at_ != task.scenario) {
      runner_.reset();  // two machines have no room in one process
      runner_ = std::make_unique<ScenarioRunner>(batch_.scenarios[task.scenario], core_, command_line_);
      at_ = task.scenario;
    }
    return *runner_;
  }

  static void take(Outcome outcome, CaseResult& result) {
    result.verdict = verdict_of(outcome.kind);
    result.message = std::move(outcome.message);
    result.notes = std::move(outcome.others);
    result.evidence = std::move(outcome.evidence);
    result.digest = outcome.digest;
  }

  const Batch& batch_;
  fs::path core_;
  std::string command_line_;
  std::unique_ptr<ScenarioRunner> runner_;
  size_t at_ = 0;
};

std::string id_of(const Batch& batch, const Task& task) {
  return fmt::format("{}.seed{}", batch.scenarios[task.scenario].name, task.seed);
}

std::shared_ptr<Player> make_player(const RunFlags& flags, const Batch& batch, const fs::path& core) {
  return std::make_shared<Player>(batch, core, flags.fault.empty() ? "" : "fault=" + find_fault(flags.fault).name);
}

RunOutcome play_all(const RunFlags& flags, const Batch& batch, const fs::path& core) {
  std::vector<Variant> variants(batch.tasks.size());
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < variants.size(); ++i) {
    variants[i].id = id_of(batch, batch.tasks[i]);
    index.emplace(variants[i].id, i);
  }
  const auto player = make_player(flags, batch, core);
  RunOptions options;
  options.jobs = flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
  options.case_limit = kSeedLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  options.grade = [player, &batch, &index](Target&, const Variant& variant) {
    return player->play(batch.tasks[index.at(variant.id)]);
  };
  Progress progress(stderr, ::isatty(STDERR_FILENO) == 1, "scenarios", variants.size());
  return run_variants([&core] { return std::make_unique<ScenarioTarget>(core); }, variants, options, progress);
}

std::string reproduction_of(const RunFlags& flags, const fs::path& file, uint64_t seed) {
  const std::string target = flags.target == "hv" ? "" : " --target " + flags.target;
  const std::string fault = flags.fault.empty() ? "" : " --fault " + flags.fault;
  return fmt::format("tools/assay run {}{}{} --seed {}", file.string(), target, fault, seed);
}

ReportedCase reported(const RunFlags& flags, const Batch& batch, const Task& task, const CaseResult& result) {
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

Results results_of(const RunFlags& flags, const Batch& batch, const RunOutcome& outcome) {
  Results results;
  results.suite_version = suite_version();
  results.suite_digest = suite_digest();
  results.suite_cases = batch.tasks.size();
  results.target_kind = outcome.target.kind;
  results.target_name = outcome.target.name;
  results.target_version = outcome.target.version;
  for (const Capability capability : outcome.target.capabilities)
    results.capabilities.emplace_back(to_string(capability));
  results.seed = seeds_of(flags).first;
  results.duration_us = static_cast<uint64_t>(outcome.duration.count());
  results.interrupted = outcome.interrupted;
  results.restarts = outcome.restarts;
  results.command = flags.command;
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
std::optional<size_t> run_to_draw(const Batch& batch, const Results& results) {
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

/// In a worker, as the run itself: a core may die of it.
void draw(const RunFlags& flags, const Batch& batch, const fs::path& core, Results& results) {
  const std::optional<size_t> index = run_to_draw(batch, results);
  if (!index) return;
  const Task& task = batch.tasks[*index];
  const auto reported = std::ranges::find(results.cases, id_of(batch, task), &ReportedCase::id);
  const PictureRequest request{.out = flags.out,
                               .seed = task.seed,
                               .file = batch.files[task.scenario].string(),
                               .reproduce = reported->reproduce,
                               .evidence = reported->evidence};
  const auto player = make_player(flags, batch, core);
  RunOptions options;
  options.case_limit = kPictureLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  options.grade = [&](Target&, const Variant&) { return player->draw(task, request); };
  Variant variant;
  variant.id = reported->id;
  RunObserver nobody;
  const RunOutcome outcome =
      run_variants([&core] { return std::make_unique<ScenarioTarget>(core); }, {variant}, options, nobody);
  const std::optional<CaseResult>& drawn = outcome.results.front();
  if (drawn && drawn->verdict == Verdict::kPass) {
    reported->picture = kPicturePage;
  } else if (drawn && drawn->verdict != Verdict::kSkip) {
    fmt::print(stderr, "assay: no picture of {}: {}\n", reported->id, drawn->message);
  }
}

void write_out(const RunFlags& flags, const Batch& batch, const RunOutcome& outcome, const Results& results) {
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

ExitCode run_scenarios(const RunFlags& flags) {
  if (!flags.fault.empty() && flags.target != "hv") {
    throw InputError(fmt::format("--fault {}: only the bundled core has planted faults", flags.fault));
  }
  const Batch batch = batch_of(flags);
  const fs::path core = flags.fault.empty() ? core_path(flags.target) : artifact("hv-faults.so");
  if (!flags.fault.empty()) static_cast<void>(find_fault(flags.fault));
  prepare_out(flags.out);
  const RunOutcome outcome = play_all(flags, batch, core);
  Results results = results_of(flags, batch, outcome);
  ExitCode code = report_trouble(outcome);
  std::string report = "none; --out DIR writes one";
  if (!flags.out.empty() && !results.cases.empty()) {
    try {
      if (!outcome.interrupted) draw(flags, batch, core, results);
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
