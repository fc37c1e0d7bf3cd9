#include "sim/scenario/live/live_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "sim/scenario/action_times.hpp"
#include "sim/scenario/live/cpu_times.hpp"
#include "sim/scenario/live/live_share.hpp"
#include "sim/scenario/live/live_stage.hpp"
#include "sim/scenario/refusal.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {
namespace {

/// Between two looks at the hypervisor's clock.
constexpr uint64_t kLookNs = 5 * kNsPerMs;

/// An expectation from the beginning of its window to the end.
struct Window {
  const Expectation* expected = nullptr;
  CpuReading begin{};
  uint64_t paused_ns = 0;  ///< when it began
  LiveShare measured{};
};

struct Moment {
  const Action* action = nullptr;
  Window* opens = nullptr;
  Window* closes = nullptr;
};

class LivePlay {
 public:
  LivePlay(const Scenario& scenario, const TargetPcpus& pcpus, Target& target)
      : scenario_(scenario),
        target_(target),
        dom0_(target.dom0()),
        times_(dom0_),
        stage_(scenario, pcpus, target, dom0_) {}

  void run(const Rng& rng) {
    stage_.build();
    for (const Expectation& expected : scenario_.expectations) windows_.push_back({.expected = &expected});
    const std::multimap<uint64_t, Moment> moments = moments_of(rng);
    stage_.begin();
    start_ns_ = looked_ns_ = times_.now_ns();
    for (const auto& [at_ns, moment] : moments) {
      run_to(at_ns);
      take(moment);
      look(0);
      // What is late makes everything after it as late: no window becomes shorter.
      start_ns_ = std::max(start_ns_, looked_ns_ - at_ns);
    }
  }

  void undo() { stage_.undo(); }

  void judge_all(Outcome& outcome) const {
    for (const Window& window : windows_) {
      const std::string words = window.expected->words + ": " + show(window.measured) + bounds_of(*window.expected);
      outcome.evidence += words + "\n";
      const ShareVerdict verdict = judge(window.measured, *window.expected);
      if (verdict == ShareVerdict::kMissed) worsen(outcome, Outcome::Kind::kFail, window, words);
      if (verdict == ShareVerdict::kCannotTell) {
        worsen(outcome, Outcome::Kind::kInconclusive, window, words + "; the machine paused for too long to tell");
      }
    }
  }

 private:
  static std::string bounds_of(const Expectation& expected) {
    std::string text;
    if (expected.at_least != 0) text += ", at least " + show_percent(expected.at_least);
    if (expected.at_most != UINT64_MAX) text += ", at most " + show_percent(expected.at_most);
    return text + " expected";
  }

  static void worsen(Outcome& outcome, Outcome::Kind kind, const Window& window, const std::string& words) {
    const bool is_worse = outcome.kind == Outcome::Kind::kPass ||
                          (outcome.kind == Outcome::Kind::kInconclusive && kind == Outcome::Kind::kFail);
    if (!is_worse) return outcome.others.push_back(words);
    if (!outcome.message.empty()) outcome.others.push_back(outcome.message);
    outcome.kind = kind;
    outcome.reason = window.expected->words;
    outcome.message = words;
  }

  /// How much longer than asked for it took is how long the machine, or we, had no processor: whoever ran meanwhile is
  /// charged for it.
  void run_to(uint64_t at_ns) {
    const uint64_t until_ns = start_ns_ + at_ns;
    while (looked_ns_ < until_ns) {
      const uint64_t step_ns = std::min(kLookNs, until_ns - looked_ns_);
      target_.pass_time(step_ns);
      look(step_ns);
    }
  }

  void look(uint64_t expected_ns) {
    const uint64_t now_ns = times_.now_ns();
    const uint64_t passed_ns = now_ns - looked_ns_;
    if (passed_ns > expected_ns) paused_ns_ += passed_ns - expected_ns;
    looked_ns_ = now_ns;
  }

  /// At the same time, what ends is seen before something happens, and what begins afterwards.
  [[nodiscard]] std::multimap<uint64_t, Moment> moments_of(const Rng& rng) {
    std::multimap<uint64_t, Moment> moments;
    for (Window& window : windows_) moments.emplace(window.expected->until_ns, Moment{.closes = &window});
    for (const auto& [at_ns, action] : action_times(scenario_, rng)) moments.emplace(at_ns, Moment{.action = action});
    for (Window& window : windows_) moments.emplace(window.expected->from_ns, Moment{.opens = &window});
    return moments;
  }

  [[nodiscard]] CpuReading read(const Expectation& expected) const {
    std::vector<VcpuName> vcpus;
    for (const size_t domain : expected.domains) {
      for (uint32_t vcpu = 0; vcpu < scenario_.domains[domain].vcpus.size(); ++vcpu) {
        if (!expected.vcpu || *expected.vcpu == vcpu) vcpus.push_back({stage_.id_of(domain), vcpu});
      }
    }
    return times_.read(vcpus, stage_.on_target(expected.pcpus));
  }

  /// At most how many had time at once.
  [[nodiscard]] uint64_t width(const Expectation& expected) const {
    uint64_t vcpus = expected.pcpus.count();
    for (const size_t domain : expected.domains) vcpus += expected.vcpu ? 1 : scenario_.domains[domain].vcpus.size();
    return std::min<uint64_t>(vcpus, scenario_.pcpus);
  }

  void take(const Moment& moment) {
    if (moment.action != nullptr) stage_.perform(*moment.action);
    if (moment.opens != nullptr) {
      moment.opens->begin = read(*moment.opens->expected);
      moment.opens->paused_ns = paused_ns_;
    }
    if (moment.closes != nullptr) close(*moment.closes);
  }

  void close(Window& window) {
    look(0);
    const CpuReading end = read(*window.expected);
    const uint64_t unsure_ns = paused_ns_ - window.paused_ns + window.begin.took_ns + end.took_ns;
    // An idle pCPU's moment and its idle time are not read at quite the same one: it may seem to have given time back.
    const int64_t spent_ns = std::max<int64_t>(0, end.spent_ns - window.begin.spent_ns);
    window.measured = {end.at_ns - window.begin.at_ns, static_cast<uint64_t>(spent_ns),
                       unsure_ns * width(*window.expected)};
  }

  const Scenario& scenario_;
  Target& target_;
  toolstack::Privileged dom0_;
  CpuTimes times_;
  LiveStage stage_;
  std::vector<Window> windows_;
  uint64_t start_ns_ = 0;
  uint64_t looked_ns_ = 0;
  uint64_t paused_ns_ = 0;
};

}  // namespace

Outcome run_live(const Scenario& scenario, const TargetPcpus& pcpus, Target& target, uint64_t seed) {
  Outcome outcome;
  target.begin_case(seed);
  LivePlay play(scenario, pcpus, target);
  try {
    play.run(Rng(seed).fork("actions"));
    play.judge_all(outcome);
  } catch (const Lacking& lacking) {
    outcome = {.kind = Outcome::Kind::kSkip, .reason = "not possible", .message = lacking.what()};
  } catch (const ToolstackError& error) {
    outcome = {.kind = Outcome::Kind::kFail, .reason = kRefused, .message = error.what()};
  } catch (const HarnessFault&) {
    play.undo();
    throw;
  }
  play.undo();
  if (outcome.kind != Outcome::Kind::kPass) outcome.evidence += target.evidence();
  return outcome;
}

}  // namespace assay::scenario
