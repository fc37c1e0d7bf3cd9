#include "tools/cli/scenario_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "fuzz/faults/catalogue.hpp"
#include "sim/base/paths.hpp"
#include "sim/engine/core_object.hpp"
#include "sim/input/input_error.hpp"
#include "sim/scenario/scenario_run.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;
using scenario::Outcome;
using scenario::ScenarioRunner;

constexpr std::chrono::seconds kSeedLimit{60};
constexpr std::chrono::seconds kPictureLimit{3 * kSeedLimit};  // two runs, and what comes of them

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
  Player(const ScenarioBatch& batch, fs::path core, std::string command_line)
      : batch_(batch), core_(std::move(core)), command_line_(std::move(command_line)) {}

  CaseResult play(const ScenarioTask& task) {
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
  CaseResult draw(const ScenarioTask& task, const PictureRequest& request) {
    CaseResult result;
    try {
      const bool is_drawn = draw_picture(request, batch_.scenarios[task.scenario], runner_of(task));
      result.verdict = is_drawn ? Verdict::kPass : Verdict::kSkip;
      if (!is_drawn) result.message = "it ends before the scenario begins";
    } catch (const std::exception& error) {
      result.message = error.what();
    }
    return result;
  }

 private:
  ScenarioRunner& runner_of(const ScenarioTask& task) {
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
    result.console = std::move(outcome.reason);
    result.notes = std::move(outcome.others);
    result.evidence = std::move(outcome.evidence);
    result.digest = outcome.digest;
  }

  const ScenarioBatch& batch_;
  fs::path core_;
  std::string command_line_;
  std::unique_ptr<ScenarioRunner> runner_;
  size_t at_ = 0;
};

std::shared_ptr<Player> make_player(const RunFlags& flags, const ScenarioBatch& batch) {
  const std::string fault = flags.fault.empty() ? "" : "fault=" + find_fault(flags.fault).name;
  return std::make_shared<Player>(batch, scenario_core(flags), fault);
}

TargetFactory target_of(const RunFlags& flags) {
  return [core = scenario_core(flags)] { return std::make_unique<ScenarioTarget>(core); };
}

}  // namespace

std::string id_of(const ScenarioBatch& batch, const ScenarioTask& task) {
  return fmt::format("{}.seed{}", batch.scenarios[task.scenario].name, task.seed);
}

fs::path scenario_core(const RunFlags& flags) {
  if (flags.fault.empty()) return core_path(flags.target);
  if (flags.target != "hv") {
    throw InputError(fmt::format("--fault {}: only the bundled core has planted faults", flags.fault));
  }
  static_cast<void>(find_fault(flags.fault));
  return artifact("hv-faults.so");
}

RunOutcome play_all(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress) {
  std::vector<Variant> variants(batch.tasks.size());
  std::map<std::string, size_t> index;
  for (size_t i = 0; i < variants.size(); ++i) {
    variants[i].id = id_of(batch, batch.tasks[i]);
    index.emplace(variants[i].id, i);
  }
  const auto player = make_player(flags, batch);
  RunOptions options;
  options.jobs = flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
  options.case_limit = kSeedLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  options.grade = [player, &batch, &index](Target&, const Variant& variant) {
    return player->play(batch.tasks[index.at(variant.id)]);
  };
  return run_variants(target_of(flags), variants, options, progress);
}

std::string draw_one(const RunFlags& flags, const ScenarioBatch& batch, const ScenarioTask& task,
                     const PictureRequest& request) {
  const auto player = make_player(flags, batch);
  RunOptions options;
  options.case_limit = kPictureLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  options.grade = [&](Target&, const Variant&) { return player->draw(task, request); };
  Variant variant;
  variant.id = id_of(batch, task);
  RunObserver nobody;
  const RunOutcome outcome = run_variants(target_of(flags), {variant}, options, nobody);
  const std::optional<CaseResult>& drawn = outcome.results.front();
  if (!drawn) return "interrupted";
  return drawn->verdict == Verdict::kPass ? "" : drawn->message;
}

}  // namespace assay
