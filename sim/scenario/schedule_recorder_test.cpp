#include "sim/scenario/schedule_recorder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/paths.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/scenario_run.hpp"

namespace assay::scenario {
namespace {

using ::testing::Contains;
using Kind = ScheduleEvent::Kind;
using nlohmann::json;

constexpr uint64_t kStart = 1000;

Scenario one_vcpu() {
  return read_scenario("test.yaml", "machine: {pcpus: 1}\nduration: 1ms\ndomains:\n- {name: a, workload: cpu-bound}\n");
}

/// The vCPU runs and leaves again, `times` times, each after 10 ns.
void run_and_leave(ScheduleRecorder& recorder, size_t times) {
  for (size_t i = 0; i < times; ++i) {
    recorder.on_schedule({.now_ns = kStart + 20 * i, .kind = Kind::kRun, .vcpu = 0, .pcpu = 0});
    recorder.on_schedule({.now_ns = kStart + 20 * i + 10, .kind = Kind::kLeave, .vcpu = 0, .pcpu = 0});
  }
}

TEST(ScheduleRecorder, KeepsWhatHappens_AsDifferences) {
  ScheduleRecorder recorder(1);
  recorder.on_schedule({.now_ns = kStart - 1, .kind = Kind::kPause, .vcpu = 0});  // it has not begun
  recorder.on_begin(kStart);
  recorder.on_schedule({.now_ns = kStart + 5, .kind = Kind::kOnline, .vcpu = 0});
  recorder.on_notice(kStart + 7, 0, ScenarioObserver::Notice::kTimer);
  recorder.on_late(kStart + 6, 0, ScenarioObserver::Late::kSignal, 42);
  recorder.on_late(kStart + 6, 1, ScenarioObserver::Late::kSignal, 42);  // no pCPU of the scenario
  recorder.on_schedule({.now_ns = kStart + 6, .kind = Kind::kWake, .vcpu = 0});
  recorder.on_action(kStart + 8, "pause a");
  recorder.on_end(kStart + 100);
  const json made = recorder.to_json(one_vcpu());
  EXPECT_EQ(made["ns"], json({5, 1, 1, 0}));  // a vCPU's own events stay in their order
  EXPECT_EQ(made["what"], json({0, 11, 9, 2}));
  EXPECT_EQ(made["how_much"], json({0, 42, 0, 0}));
  EXPECT_EQ(made["end_ns"], 100);
  EXPECT_EQ(made["actions"][0]["words"], "pause a");
  EXPECT_EQ(made["left_out"], json({0, 0}));
}

TEST(ScheduleRecorder, LongerThanAPicture_WithoutViolation_ShowsTheBeginning) {
  ScheduleRecorder recorder(1, 10);
  recorder.on_begin(kStart);
  run_and_leave(recorder, 50);
  recorder.on_end(kStart + 1000);
  const json made = recorder.to_json(one_vcpu());
  EXPECT_EQ(made["left_out"], json({0, 90}));
  EXPECT_EQ(made["from_ns"], 0);
  EXPECT_EQ(made["to_ns"], 100);
  EXPECT_EQ(recorder.window().to_ns, kStart + 100);
}

TEST(ScheduleRecorder, LongerThanAPicture_ShowsWhatIsAroundTheViolation_AndKnowsHowItBegan) {
  ScheduleRecorder recorder(1, 9);
  recorder.on_begin(kStart);
  run_and_leave(recorder, 500);  // 1000 entries: more than are kept, too
  recorder.on_violation(kStart + 9505, 0, 0, "late");
  recorder.on_end(kStart + 10'000);
  const json made = recorder.to_json(one_vcpu());
  EXPECT_EQ(made["ns"].size(), 9u);
  EXPECT_EQ(made["left_out"][0].get<int>() + made["left_out"][1].get<int>(), 991);
  EXPECT_LT(made["from_ns"], 9505);
  EXPECT_GT(made["to_ns"], 9505);
  EXPECT_GT(recorder.window(4).from_ns, recorder.window().from_ns);
  EXPECT_LT(recorder.window(4).from_ns, kStart + 9505);
  EXPECT_GT(recorder.window(4).to_ns, kStart + 9505);
  const bool begins_with_leaving = made["what"][0] == 7;
  EXPECT_EQ(made["at_start"][0][1], begins_with_leaving ? 0 : -1);
}

TEST(ScheduleRecorder, RealRun_IsTheSameWatchedOrNot_AndAddsUp) {
  const Scenario scenario = read_scenario("test.yaml",
                                          "machine: {pcpus: 2}\nduration: 20ms\nfaults: {signal_delay: 20us}\n"
                                          "domains:\n- {name: a, vcpus: 3, workload: {kind: interactive, run: 100us, "
                                          "sleep: 300us}}\nactions:\n- {at: 5ms, pause: a}\n- {at: 6ms, unpause: a}\n"
                                          "expect:\n- share: {of: a, at_least: 199%}\n");
  ScenarioRunner runner(scenario, artifact("hv.so"), "");
  ScheduleRecorder recorder(2);
  const Outcome watched = runner.run(5, nullptr, {.scenario = &recorder});
  EXPECT_EQ(watched.digest, runner.run(5).digest);
  const json made = recorder.to_json(scenario);
  std::vector<int64_t> vcpu_on(3, -1);
  for (size_t i = 0; i < made["what"].size(); ++i) {
    const auto what = static_cast<Happening>(made["what"][i].get<int>());
    const auto who = made["who"][i].get<size_t>();
    if (what == Happening::kRun) {
      EXPECT_EQ(vcpu_on[who], -1);
      vcpu_on[who] = made["how_much"][i].get<int64_t>();
    }
    if (what == Happening::kLeave) {
      EXPECT_NE(vcpu_on[who], -1);
      vcpu_on[who] = -1;
    }
  }
  EXPECT_THAT(made["what"], Contains(static_cast<int>(Happening::kTimer)));
  EXPECT_THAT(made["what"], Contains(static_cast<int>(Happening::kSignalLate)));
  EXPECT_EQ(made["actions"].size(), 3u);  // and the end of actions
  ASSERT_EQ(recorder.violations().size(), 1u);
  EXPECT_EQ(recorder.violations()[0].words, watched.message);
  EXPECT_GE(made["end_ns"], 20'000'000);
}

}  // namespace
}  // namespace assay::scenario
