#include "conformance/runner/scenario_target.hpp"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "sim/engine/core_object.hpp"

namespace assay {
namespace {

Verdict verdict_of(scenario::Outcome::Kind kind) {
  switch (kind) {
    case scenario::Outcome::Kind::kPass:
      return Verdict::kPass;
    case scenario::Outcome::Kind::kFail:
      return Verdict::kFail;
    case scenario::Outcome::Kind::kCrash:
      return Verdict::kCrash;
    case scenario::Outcome::Kind::kHang:
      return Verdict::kTimeout;
    case scenario::Outcome::Kind::kInconclusive:
      return Verdict::kInconclusive;
    case scenario::Outcome::Kind::kSkip:
      break;
  }
  return Verdict::kSkip;
}

void take(scenario::Outcome outcome, CaseResult& result) {
  result.verdict = verdict_of(outcome.kind);
  result.message = std::move(outcome.message);
  result.console = std::move(outcome.reason);
  result.notes = std::move(outcome.others);
  result.evidence = std::move(outcome.evidence);
  result.digest = outcome.digest;
}

}  // namespace

CaseResult result_of(const char* death, const std::function<scenario::Outcome()>& play) {
  CaseResult result;
  const auto start = std::chrono::steady_clock::now();
  try {
    take(play(), result);
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

ScenarioTarget::ScenarioTarget(std::filesystem::path core, std::string command_line)
    : core_(std::move(core)), command_line_(std::move(command_line)) {
  const CoreObject object(core_);
  info_ = {"hv", object.name(), object.version(), {Capability::kVirtualTime, Capability::kSteer}};
}

scenario::ScenarioRunner& ScenarioTarget::runner_of(const scenario::Scenario& scenario) {
  if (runner_ == nullptr || at_ != &scenario) {
    runner_.reset();  // one machine takes memory enough
    runner_ = std::make_unique<scenario::ScenarioRunner>(scenario, core_, command_line_);
    at_ = &scenario;
  }
  return *runner_;
}

CaseResult ScenarioTarget::play(const scenario::Scenario& scenario, uint64_t seed) {
  return result_of("the core does not boot", [&] { return runner_of(scenario).run(seed); });
}

}  // namespace assay
