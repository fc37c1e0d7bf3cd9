#include "tools/cli/scenario_picture.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/scenario_target.hpp"
#include "reports/results.hpp"
#include "reports/schedule_page.hpp"
#include "reports/write_file.hpp"
#include "sim/scenario/schedule_recorder.hpp"
#include "sim/scenario/units.hpp"
#include "sim/trace/perfetto.hpp"
#include "sim/trace/trace_recorder.hpp"

namespace assay {
namespace {

using scenario::Outcome;
using scenario::Scenario;
using scenario::ScenarioRunner;
using scenario::ScheduleRecorder;
using scenario::show_duration;

/// A trace is larger than a page for the same time: of what a long one shows, it has this much around the violation.
constexpr size_t kTracedMax = 100'000;
constexpr std::chrono::seconds kPictureLimit{180};  // two runs and what comes of them

std::string verdict_of(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::kPass:
      return "Every promise was kept";
    case Outcome::Kind::kFail:
      return "A promise was broken";
    case Outcome::Kind::kCrash:
      return "The core crashed";
    case Outcome::Kind::kHang:
      return "The core came to no end";
    case Outcome::Kind::kInconclusive:
      return "The run cannot tell";
    case Outcome::Kind::kSkip:
      break;
  }
  return "The core cannot do this";
}

std::string faults_of(const scenario::FaultSpec& faults) {
  if (!faults.any()) return "none";
  std::vector<std::string> all;
  if (faults.signal_delay_ns != 0)
    all.push_back(fmt::format("signals up to {} late", show_duration(faults.signal_delay_ns)));
  if (faults.timer_lateness_ns != 0)
    all.push_back(fmt::format("timers up to {} late", show_duration(faults.timer_lateness_ns)));
  if (faults.clock_jitter_ns != 0)
    all.push_back(fmt::format("clocks up to {} behind", show_duration(faults.clock_jitter_ns)));
  if (faults.free_frames) all.push_back(fmt::format("{} free frames", *faults.free_frames));
  if (!faults.slow_pcpus.empty()) {
    all.push_back(fmt::format("pCPUs {} take {} of the usual time", scenario::show_pcpus(faults.slow_pcpus),
                              scenario::show_percent(faults.slow_factor)));
  }
  return fmt::format("{}; until {}", fmt::join(all, ", "), show_duration(faults.until_ns));
}

SchedulePage page_of(const PictureRequest& request, const Scenario& scenario, const Outcome& outcome) {
  SchedulePage page;
  page.scenario = fmt::format("{}, seed {}", scenario.name, request.seed);
  page.about = scenario.about;
  page.verdict = verdict_of(outcome.kind);
  if (!outcome.message.empty()) page.messages.push_back(outcome.message);
  page.messages.insert(page.messages.end(), outcome.others.begin(), outcome.others.end());
  page.reproduce = request.reproduce;
  page.made_by = suite_version();
  page.facts = {
      {"Scenario", request.file}, {"Hardware faults", faults_of(scenario.faults)}, {"Digest", hex64(outcome.digest)}};
  const bool has_ended = outcome.kind == Outcome::Kind::kPass || outcome.kind == Outcome::Kind::kFail;
  if (has_ended) {
    page.facts.emplace_back("Virtual time", show_duration(outcome.virtual_ns));
    page.facts.emplace_back("Switches", fmt::format("{} on {} pCPUs", outcome.switches, scenario.pcpus));
  }
  page.report = request.report;
  page.trace = kPictureTrace;
  page.evidence = request.evidence;
  return page;
}

/// Names and remarks that the page has, too.
trace::Captions captions_of(const Scenario& scenario, const ScheduleRecorder& recorder) {
  trace::Captions captions;
  for (const auto& [domid, first] : recorder.domains()) {
    scenario::VcpuIndex index = 0;
    for (const scenario::DomainSpec& domain : scenario.domains) {
      if (index == first) captions.domains[domid] = domain.name;
      index += static_cast<scenario::VcpuIndex>(domain.vcpus.size());
    }
  }
  captions.remarks.push_back({recorder.start_ns(), "the scenario begins"});
  for (const ScheduleRecorder::Remark& violation : recorder.violations()) {
    captions.remarks.push_back({violation.now_ns, violation.words});
  }
  return captions;
}

std::string traced(uint64_t seed, const Scenario& scenario, ScenarioRunner& runner, const ScheduleRecorder& schedule) {
  trace::RecorderOptions options;
  const ScheduleRecorder::Window window = schedule.window(kTracedMax);
  options.filter.from_ns = window.from_ns;
  options.filter.to_ns = window.to_ns + 1;
  trace::TraceRecorder recorder(std::move(options));
  runner.run(seed, nullptr, {.machine = &recorder});
  std::string text;
  trace::write_perfetto(
      recorder.take(fmt::format("{}, seed {}", scenario.name, seed)), [&](std::string_view piece) { text += piece; },
      captions_of(scenario, schedule));
  return text;
}

}  // namespace

bool draw_picture(const PictureRequest& request, const Scenario& scenario, ScenarioRunner& runner) {
  ScheduleRecorder recorder(scenario.pcpus);
  const scenario::Outcome outcome = runner.run(request.seed, nullptr, {.scenario = &recorder});
  if (!recorder.has_begun()) return false;
  write_file(request.out / kPictureTrace, traced(request.seed, scenario, runner, recorder));
  const std::string data = recorder.to_json(scenario).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  write_file(request.out / kPicturePage, schedule_page(page_of(request, scenario, outcome), data));
  return true;
}

std::string draw_in_worker(const TargetFactory& make_target, const Scenario& scenario, const PictureRequest& request) {
  RunOptions options;
  options.case_limit = kPictureLimit;
  options.limits_count = LimitsCount::kProcessorTime;
  options.grade = [&](Target& target, const Variant&) {
    CaseResult result;
    try {
      ScenarioRunner& runner = dynamic_cast<ScenarioTarget&>(target).runner_of(scenario);
      const bool is_drawn = draw_picture(request, scenario, runner);
      result.verdict = is_drawn ? Verdict::kPass : Verdict::kSkip;
      if (!is_drawn) result.message = "it ends before the scenario begins";
    } catch (const std::exception& error) {
      result.message = error.what();
    }
    return result;
  };
  Variant variant;
  variant.id = fmt::format("{}.seed{}", scenario.name, request.seed);
  RunObserver nobody;
  const RunOutcome outcome = run_variants(make_target, {variant}, options, nobody);
  const std::optional<CaseResult>& result = outcome.results.front();
  if (!result) return outcome.interrupted ? "interrupted" : "the target does not start";
  return result->verdict == Verdict::kPass ? "" : result->message;
}

}  // namespace assay
