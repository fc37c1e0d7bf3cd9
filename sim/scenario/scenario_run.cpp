#include "sim/scenario/scenario_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/engine/core_places.hpp"
#include "sim/scenario/action_times.hpp"
#include "sim/scenario/host_options.hpp"
#include "sim/scenario/interleaving_of.hpp"
#include "sim/scenario/keys.hpp"
#include "sim/scenario/oracles/core_sharing.hpp"
#include "sim/scenario/oracles/deadline_misses.hpp"
#include "sim/scenario/oracles/finally.hpp"
#include "sim/scenario/oracles/frames.hpp"
#include "sim/scenario/oracles/latency.hpp"
#include "sim/scenario/oracles/placement.hpp"
#include "sim/scenario/oracles/share.hpp"
#include "sim/scenario/oracles/starvation.hpp"
#include "sim/scenario/oracles/supply.hpp"
#include "sim/scenario/oracles/tally.hpp"
#include "sim/scenario/oracles/time_accounting.hpp"
#include "sim/scenario/oracles/work_conservation.hpp"
#include "sim/scenario/refusal.hpp"
#include "sim/scenario/stage.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {
namespace {

/// How long a pCPU may keep a vCPU that must go: interrupts are prompt, but for what faults add.
constexpr uint64_t kGraceNs = 100 * kNsPerUs;
/// Where interleavings are chosen each of the other pCPUs may take so long before one has its turn.
constexpr uint64_t kSteeredGraceNs = 2 * kNsPerMs;
/// While some pCPUs wait for a signal to reach another one, something may happen for which they have to decide anew.
constexpr uint64_t kSwitchesInARow = 4;
/// Time that the hypervisor and the guest may count apart: there, others come between a switch and its end.
constexpr uint64_t kSlackParts = 20;
constexpr uint64_t kSteeredSlackParts = 4;

/// Something that happens at a time since the beginning; at the same one, in the order given.
struct Moment {
  const Action* action = nullptr;
  Oracle* opens = nullptr;
  Oracle* closes = nullptr;
};

using Moments = std::multimap<uint64_t, Moment>;

Moments moments_of(const Scenario& scenario, const Rng& rng) {
  Moments moments;
  for (const auto& [at_ns, action] : action_times(scenario, rng)) moments.emplace(at_ns, Moment{.action = action});
  return moments;
}

std::string complaint_about(const Expectation& expected, const Stage& stage);

std::unique_ptr<Oracle> oracle_of(const Expectation& expected, const Stage& stage) {
  using Kind = Expectation::Kind;
  std::vector<VcpuIndex> vcpus = stage.indices(expected.domains, expected.vcpu);
  const std::string& words = expected.words;
  switch (expected.kind) {
    case Kind::kShare:
      return std::make_unique<Share>(words, std::move(vcpus), PcpuSet{},
                                     ShareBounds{expected.at_least, expected.at_most});
    case Kind::kBusy:
      return std::make_unique<Share>(words, std::vector<VcpuIndex>{}, expected.pcpus,
                                     ShareBounds{expected.at_least, expected.at_most});
    case Kind::kLatency:
      return std::make_unique<Latency>(words, expected.percentile, expected.bound_ns, std::move(vcpus));
    case Kind::kDeadlineMisses:
      return std::make_unique<DeadlineMisses>(words, expected.count, std::move(vcpus),
                                              [&stage](VcpuIndex vcpu, uint64_t now) { return stage.jobs(vcpu, now); });
    case Kind::kWorkConserving:
      return std::make_unique<WorkConservation>(expected.bound_ns, stage.held_back(), stage.units());
    case Kind::kNoStarvation:
      return std::make_unique<Starvation>(words, expected.bound_ns, std::move(vcpus));
    case Kind::kFrames:
      return std::make_unique<Frames>(words, expected.period_ns, expected.bound_ns, vcpus);
    case Kind::kRefusals:
      return std::make_unique<Tally>(words, "requests were refused for want of memory",
                                     Tally::Bounds{expected.at_least, expected.at_most},
                                     [&] { return stage.refusals(expected.domains); });
    case Kind::kPagesWritten:
      return std::make_unique<Tally>(words, "pages were written",
                                     Tally::Bounds{expected.at_least, expected.at_most, true},
                                     [&stage, vcpus] { return stage.pages_written(vcpus); });
    case Kind::kConsole:
    case Kind::kShutdown:
      return std::make_unique<Finally>(words, [&expected, &stage] { return complaint_about(expected, stage); });
    case Kind::kSupply:
      break;
  }
  const Supply::Promise promise{expected.budget_ns, expected.period_ns, expected.is_exact};
  return std::make_unique<Supply>(words, promise, vcpus);
}

/// The first of these guests that has something wrong, in words.
std::string complaint_about(const Expectation& expected, const Stage& stage) {
  for (const size_t domain : expected.domains) {
    const std::string& name = stage.scenario().domains[domain].name;
    const KernelDomain* const kernel = stage.kernel(domain);
    if (kernel == nullptr) return fmt::format("{} does not exist", name);
    if (expected.kind == Expectation::Kind::kConsole) {
      if (kernel->console().find(expected.text) != std::string::npos) continue;
      return fmt::format("{} has not written '{}' after {} instructions", name, expected.text, kernel->instructions());
    }
    if (kernel->shutdown() == expected.shutdown_reason) continue;
    const auto ended = kernel->shutdown();
    const std::string how = !ended ? fmt::format("runs after {} instructions", kernel->instructions())
                            : *ended < keys::kReasons.size() ? fmt::format("has ended by {}", keys::kReasons.at(*ended))
                                                             : fmt::format("has ended by reason {}", *ended);
    return fmt::format("{} {}; expected {}", name, how, keys::kReasons.at(expected.shutdown_reason));
  }
  return "";
}

/// One seed, from the beginning to the end.
class Play {
 public:
  Play(const Scenario& scenario, host::Session& session, uint64_t seed, Companion* companion,
       const Onlookers& onlookers, Outcome& outcome)
      : scenario_(scenario),
        outcome_(outcome),
        observer_(onlookers.scenario),
        is_steered_(interleaving_of(scenario, seed)->steers()),
        rng_(Rng(seed).fork("actions")),
        stage_(scenario, session, seed, companion, onlookers) {}

  /// `start_ns` is when the scenario begins.
  void run(uint64_t& start_ns) {
    stage_.begin();
    start_ns = stage_.start_ns();
    add_oracles();
    Moments moments = moments_of(scenario_, rng_);
    for (size_t i = 0; i < scenario_.expectations.size(); ++i) {
      const Expectation& expected = scenario_.expectations[i];
      moments.emplace(expected.from_ns, Moment{.opens = oracles_[i].get()});
      moments.emplace(expected.until_ns, Moment{.closes = oracles_[i].get()});
    }
    stage_.watch().open(*placement_, now());
    for (const auto& [at_ns, moment] : moments) {
      run_to(at_ns);
      take(moment);
    }
    run_to(scenario_.duration_ns);
    prove_liveness();
    stage_.watch().close(*placement_, now());
    if (sharing_) stage_.watch().close(*sharing_, now());
    stage_.dismiss();
    accounting_->end(stage_.watch().schedule(), now());
    judge();
  }

  void count() {
    outcome_.virtual_ns = now() - stage_.start_ns();
    outcome_.exits = stage_.machine().exits();
    outcome_.switches = stage_.watch().switches();
    outcome_.digest = stage_.machine().digest();
  }

 private:
  [[nodiscard]] uint64_t now() { return stage_.machine().now_ns(); }

  void add_oracles() {
    for (const Expectation& expected : scenario_.expectations) oracles_.push_back(oracle_of(expected, stage_));
    const FaultSpec& injected = scenario_.faults;
    const uint64_t faults = injected.signal_delay_ns + injected.timer_lateness_ns + injected.clock_jitter_ns;
    const uint64_t slowness = std::max(scenario_.faults.slow_factor, kWholePcpu);
    const uint64_t steered = is_steered_ ? kSteeredGraceNs * scenario_.pcpus * slowness / kWholePcpu : 0;
    placement_ = std::make_unique<Placement>(kGraceNs + faults + steered);
    if (scenario_.pcpus_together > 1) {
      const uint64_t bound = kGraceNs + kSwitchesInARow * faults + steered;
      sharing_ = std::make_unique<CoreSharing>(scenario_.pcpus, scenario_.pcpus_together, bound);
      stage_.watch().share_cores(*sharing_);
    }
    accounting_ = std::make_unique<TimeAccounting>(
        [this] { return stage_.areas(); }, is_steered_ ? kSteeredSlackParts : kSlackParts, injected.clock_jitter_ns);
    liveness_ = std::make_unique<Starvation>("liveness", scenario_.liveness_ns, std::vector<VcpuIndex>{});
  }

  void run_to(uint64_t at_ns) {
    const uint64_t until = stage_.start_ns() + at_ns;
    stage_.run_until(until);
  }

  void take(const Moment& moment) {
    if (moment.action != nullptr) {
      stage_.perform(*moment.action);
      // Where pCPUs may be in the middle of something, only the end of the phase tells.
      if (!is_steered_) audit();
    }
    if (moment.opens != nullptr) stage_.watch().open(*moment.opens, now());
    if (moment.closes != nullptr) stage_.watch().close(*moment.closes, now());
  }

  void prove_liveness() {
    stage_.calm_down();
    audit();
    stage_.watch().open(*liveness_, now());
    stage_.run_until(now() + scenario_.liveness_ns);
    stage_.watch().close(*liveness_, now());
  }

  [[nodiscard]] uint64_t since_start(const Violation& violation) const {
    return violation.now_ns - std::min(violation.now_ns, stage_.start_ns());
  }

  [[nodiscard]] std::string describe(const Violation& violation) const {
    std::string text = fmt::format("at {}", show_duration(since_start(violation)));
    if (violation.vcpu != kNoVcpu) text += fmt::format(", {}", stage_.name_of(violation.vcpu));
    if (violation.pcpu != PcpuSet::kNone) text += fmt::format(" on pCPU {}", violation.pcpu);
    return fmt::format("{}: {} {}", violation.oracle, text, violation.words);
  }

  void judge() {
    std::multimap<uint64_t, const Violation*> found;
    const auto add = [&](const Oracle& oracle) {
      if (oracle.violation()) found.emplace(oracle.violation()->now_ns, &*oracle.violation());
    };
    add(*placement_);
    add(stage_.memory_returned());
    if (sharing_) add(*sharing_);
    for (const auto& oracle : oracles_) add(*oracle);
    for (const Oracle* const oracle : stage_.company()) add(*oracle);
    add(*liveness_);
    add(*accounting_);
    for (const auto& [now_ns, violation] : found) fail(*violation, describe(*violation));
    if (!found.empty()) outcome_.failed_ns = since_start(*found.begin()->second);
    if (const std::string trouble = stage_.trouble(); !trouble.empty()) {
      fail({.now_ns = now(), .oracle = "hypercall", .words = {}}, trouble);
    }
    check_instructions();
    audit();
    if (outcome_.kind != Outcome::Kind::kPass) outcome_.evidence = stage_.guest_consoles();
  }

  void check_instructions() {
    for (size_t i = 0; i < scenario_.domains.size(); ++i) {
      const KernelDomain* const kernel = stage_.kernel(i);
      if (kernel == nullptr || !kernel->has_used_up_instructions()) continue;
      fail({.now_ns = now(), .oracle = "instructions", .words = {}},
           fmt::format("{} has executed {} instructions, and was stopped; 'instructions' allows {}",
                       scenario_.domains[i].name, kernel->instructions(),
                       scenario_.domains[i].kernel->instructions_max));
    }
  }

  void audit() {
    if (outcome_.reason == kAudit) return;  // once is enough
    const std::string broken = stage_.machine().audit();
    if (!broken.empty()) fail({.now_ns = now(), .oracle = kAudit, .words = {}}, "the core's own audit: " + broken);
  }

  void fail(const Violation& violation, std::string message) {
    if (observer_ != nullptr) observer_->on_violation(violation.now_ns, violation.vcpu, violation.pcpu, message);
    if (outcome_.kind == Outcome::Kind::kPass) {
      outcome_.kind = Outcome::Kind::kFail;
      outcome_.reason = violation.oracle;
      outcome_.message = std::move(message);
    } else {
      outcome_.others.push_back(std::move(message));
    }
  }

  static constexpr const char* kAudit = "audit";

  const Scenario& scenario_;
  Outcome& outcome_;
  ScenarioObserver* observer_;
  bool is_steered_;
  Rng rng_;
  Stage stage_;
  std::vector<std::unique_ptr<Oracle>> oracles_;
  std::unique_ptr<Placement> placement_;
  std::unique_ptr<CoreSharing> sharing_;  ///< null: pCPUs are scheduled one by one
  std::unique_ptr<TimeAccounting> accounting_;
  std::unique_ptr<Starvation> liveness_;
};

}  // namespace

class ScenarioRunner::Impl {
 public:
  Impl(const Scenario& scenario, const std::filesystem::path& core, const std::string& command_line)
      : scenario_(scenario), core_(core), session_(core_, host_options(scenario, core, command_line)), places_(core_) {}

  Outcome run(uint64_t seed, Companion* companion, const Onlookers& onlookers) {
    Outcome outcome;
    start_ns_ = 0;
    try {
      session_.rewind(seed);
      Play play(scenario_, session_, seed, companion, onlookers, outcome);
      play.run(start_ns_);
      play.count();
    } catch (const CoreDied& died) {
      const bool hangs = died.how() == CoreDied::How::kHang;
      end(outcome, onlookers, hangs ? Outcome::Kind::kHang : Outcome::Kind::kCrash, died.what(), died.what());
    } catch (const TargetDied& died) {
      const bool hangs = died.how() == TargetDied::How::kHang;
      end(outcome, onlookers, hangs ? Outcome::Kind::kHang : Outcome::Kind::kCrash, died.what(), died.what());
    } catch (const Lacking& lacking) {
      outcome = {.kind = Outcome::Kind::kSkip, .reason = "not possible", .message = lacking.what()};
    } catch (const ToolstackError& error) {
      end(outcome, onlookers, Outcome::Kind::kFail, kRefused, error.what());
    }
    if (outcome.kind != Outcome::Kind::kPass) {
      outcome.evidence += session_.machine().describe() + "console:\n" + session_.console();
    }
    if (onlookers.scenario != nullptr) onlookers.scenario->on_end(session_.machine().now_ns());
    return outcome;
  }

  std::vector<uint32_t> places_met() { return places_.take(); }

 private:
  /// Before its time.
  void end(Outcome& outcome, const Onlookers& onlookers, Outcome::Kind kind, std::string reason,
           const std::string& what) {
    outcome.kind = kind;
    outcome.reason = std::move(reason);
    outcome.failed_ns = session_.machine().now_ns() - start_ns_;
    outcome.message = fmt::format("at {}: {}", show_duration(outcome.failed_ns), what);
    outcome.digest = session_.machine().digest();
    if (onlookers.scenario != nullptr) {
      onlookers.scenario->on_violation(session_.machine().now_ns(), kNoVcpu, PcpuSet::kNone, outcome.message);
    }
  }

  const Scenario& scenario_;
  CoreObject core_;
  host::Session session_;
  CorePlaces places_;
  uint64_t start_ns_ = 0;
};

ScenarioRunner::ScenarioRunner(const Scenario& scenario, const std::filesystem::path& core,
                               const std::string& command_line)
    : impl_(std::make_unique<Impl>(scenario, core, command_line)) {}

ScenarioRunner::~ScenarioRunner() = default;

Outcome ScenarioRunner::run(uint64_t seed, Companion* companion, const Onlookers& onlookers) {
  return impl_->run(seed, companion, onlookers);
}

std::vector<uint32_t> ScenarioRunner::places_met() {
  return impl_->places_met();
}

}  // namespace assay::scenario
