#include "tools/cli/scenario_batch.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <thread>

#include "fuzz/faults/catalogue.hpp"
#include "sim/base/paths.hpp"
#include "sim/engine/core_object.hpp"
#include "sim/input/input_error.hpp"
#include "sim/scenario/live/live_run.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/scenario_run.hpp"
#include "sim/target/xen/target_xen.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

namespace fs = std::filesystem;
using scenario::Outcome;
using scenario::ScenarioRunner;

constexpr std::chrono::seconds kSeedLimit{60};

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
    case Outcome::Kind::kInconclusive:
      return Verdict::kInconclusive;
    case Outcome::Kind::kSkip:
      break;
  }
  return Verdict::kSkip;
}

void take(Outcome outcome, CaseResult& result) {
  result.verdict = verdict_of(outcome.kind);
  result.message = std::move(outcome.message);
  result.console = std::move(outcome.reason);
  result.notes = std::move(outcome.others);
  result.evidence = std::move(outcome.evidence);
  result.digest = outcome.digest;
}

/// Whatever `action` throws becomes the verdict; `death` says what it means that the subject died.
template <typename Action>
CaseResult timed(const char* death, const Action& action) {
  CaseResult result;
  const auto start = std::chrono::steady_clock::now();
  try {
    action(result);
  } catch (const TargetDied& died) {
    result.verdict = died.how() == TargetDied::How::kHang ? Verdict::kTimeout : Verdict::kCrash;
    result.message = fmt::format("{}: {}", death, died.what());
  } catch (const std::exception& error) {
    result.verdict = Verdict::kError;
    result.message = error.what();
  }
  const auto spent = std::chrono::steady_clock::now() - start;
  result.duration_us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
  return result;
}

/// What a worker keeps from one seed to the next: the machine of a scenario.
class Player {
 public:
  Player(const ScenarioBatch& batch, fs::path core, std::string command_line)
      : batch_(batch), core_(std::move(core)), command_line_(std::move(command_line)) {}

  CaseResult play(const ScenarioTask& task) {
    return timed("the core does not boot", [&](CaseResult& result) {
      if (runner_ == nullptr || at_ != task.scenario) {
        runner_.reset();  // two machines have no room in one process
        runner_ = std::make_unique<ScenarioRunner>(batch_.scenarios[task.scenario], core_, command_line_);
        at_ = task.scenario;
      }
      take(runner_->run(task.seed), result);
    });
  }

 private:
  const ScenarioBatch& batch_;
  fs::path core_;
  std::string command_line_;
  std::unique_ptr<ScenarioRunner> runner_;
  size_t at_ = 0;
};

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

namespace {

struct Variants {
  std::vector<Variant> all;
  std::map<std::string, size_t> index;  ///< of a task, by the id of its variant
};

Variants variants_of(const ScenarioBatch& batch) {
  Variants variants;
  variants.all.resize(batch.tasks.size());
  for (size_t i = 0; i < variants.all.size(); ++i) {
    variants.all[i].id = id_of(batch, batch.tasks[i]);
    variants.index.emplace(variants.all[i].id, i);
  }
  return variants;
}

RunOutcome play_on_core(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress) {
  const fs::path core = scenario_core(flags);
  const Variants variants = variants_of(batch);
  const auto player =
      std::make_shared<Player>(batch, core, flags.fault.empty() ? "" : "fault=" + find_fault(flags.fault).name);
  RunOptions options;
  options.jobs = flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
  options.case_limit = kSeedLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  options.grade = [player, &batch, &variants](Target&, const Variant& variant) {
    return player->play(batch.tasks[variants.index.at(variant.id)]);
  };
  return run_variants([&core] { return std::make_unique<ScenarioTarget>(core); }, variants.all, options, progress);
}

/// Of target xen, beside the privileged domain's.
scenario::TargetPcpus live_pcpus() {
  const XenOptions options;
  return {options.dom0_vcpus, options.pcpus - options.dom0_vcpus};
}

RunOutcome play_live(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress) {
  const TargetChoice choice = choose_target(flags.target, {.fault = flags.fault});
  const Variants variants = variants_of(batch);
  RunOptions options;
  options.jobs = choice.jobs;
  options.case_limit = choice.case_limit;
  options.grade = [&batch, &variants](Target& target, const Variant& variant) {
    const ScenarioTask& task = batch.tasks[variants.index.at(variant.id)];
    return timed("the subject died", [&](CaseResult& result) {
      take(scenario::run_live(batch.scenarios[task.scenario], live_pcpus(), target, task.seed), result);
    });
  };
  return run_variants(choice.make, variants.all, options, progress);
}

}  // namespace

bool is_live(const RunFlags& flags) {
  return flags.target == "xen";
}

scenario::Scenario read_for(const RunFlags& flags, const fs::path& file) {
  return is_live(flags) ? scenario::read_live_scenario_file(file, live_pcpus()) : scenario::read_scenario_file(file);
}

void check_target(const RunFlags& flags) {
  if (is_live(flags)) {
    static_cast<void>(choose_target(flags.target, {.fault = flags.fault}));
  } else {
    static_cast<void>(scenario_core(flags));
  }
}

RunOutcome play_all(const RunFlags& flags, const ScenarioBatch& batch, RunObserver& progress) {
  return is_live(flags) ? play_live(flags, batch, progress) : play_on_core(flags, batch, progress);
}

}  // namespace assay
