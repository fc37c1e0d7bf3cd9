#include "sim/scenario/scenario_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/paths.hpp"
#include "sim/scenario/host_options.hpp"
#include "sim/scenario/read_scenario.hpp"
#include "sim/scenario/refusal.hpp"
#include "sim/scenario/scheduler_control.hpp"
#include "sim/target/host/session.hpp"

namespace assay::scenario {
namespace {

using ::testing::HasSubstr;

constexpr const char* kBusy = R"(
machine: {pcpus: 2}
duration: 50ms
faults: {signal_delay: 20us, timer_lateness: 10us}
domains:
  - {name: bursts, vcpus: 3, workload: {kind: interactive, run: 300us, sleep: 700us, variation: 50%}}
  - {name: pair, vcpus: 2, workload: {kind: ping-pong, work: 20us}}
actions:
  - {within: 10ms, until: 40ms, pause: pair}
  - {at: 45ms, unpause: pair}
)";

const std::string kOneBusy = "domains:\n- {name: a, workload: cpu-bound}\n";

Outcome play(const std::string& text, uint64_t seed) {
  const Scenario scenario = read_scenario("test.yaml", text);
  return ScenarioRunner(scenario, artifact("hv.so"), "").run(seed);
}

TEST(ScenarioRun, SameSeed_SameDigest_OnAFreshMachineAndAgain) {
  const Scenario scenario = read_scenario("test.yaml", kBusy);
  uint64_t first = 0;
  {
    ScenarioRunner runner(scenario, artifact("hv.so"), "");
    first = runner.run(3).digest;
    EXPECT_NE(runner.run(4).digest, first);
    EXPECT_EQ(runner.run(3).digest, first);
  }
  EXPECT_EQ(play(kBusy, 3).digest, first);
}

TEST(ScenarioRun, Passes_AndCounts) {
  const Outcome outcome = play(kBusy, 1);
  EXPECT_EQ(outcome.kind, Outcome::Kind::kPass) << outcome.message;
  EXPECT_GE(outcome.virtual_ns, 50'000'000u);
  EXPECT_GT(outcome.switches, 100u);
}

TEST(ScenarioRun, BrokenExpectation_FailsWithWhoAndWhen) {
  const Outcome outcome = play(
      "machine: {pcpus: 1}\nduration: 100ms\ndomains:\n- {name: a, count: 2, workload: cpu-bound}\n"
      "expect:\n- share: {of: a-0, at_least: 90%}\n",
      1);
  EXPECT_EQ(outcome.kind, Outcome::Kind::kFail);
  EXPECT_EQ(outcome.reason, "share of a-0");
  EXPECT_THAT(outcome.message, HasSubstr("at 100ms, vCPU 0 of a-0"));
  EXPECT_THAT(outcome.evidence, HasSubstr("pcpu 0"));
}

TEST(ScenarioRun, SlowPcpu_TakesLonger) {
  const auto misses = [](const std::string& factor) {
    return play("machine: {pcpus: 1}\nduration: 100ms\nfaults: {slow_pcpus: 0, slow_factor: " + factor +
                    "}\ndomains:\n- {name: a, workload: {kind: periodic, work: 4ms, period: 10ms}}\n"
                    "expect:\n- deadline_misses: {at_most: 0, until: 95ms}\n",
                0)
        .kind;
  };
  EXPECT_EQ(misses("200%"), Outcome::Kind::kPass);
  EXPECT_EQ(misses("300%"), Outcome::Kind::kFail);
}

TEST(ScenarioRun, AsManyVcpusAsThereCanBe_AllRun) {
  const Outcome outcome = play(
      "machine: {pcpus: 2}\nduration: 300ms\ndomains:\n"
      "- {name: a, vcpus: 32, workload: {kind: interactive, run: 100us, sleep: 20ms}}\n"
      "expect:\n- no_starvation: {longer_than: 100ms}\n- share: {of: a, vcpu: 31, at_least: 0.3%}\n",
      1);
  EXPECT_EQ(outcome.kind, Outcome::Kind::kPass) << outcome.message;
}

TEST(ScenarioRun, SchedulerThatTheCoreHasNot_IsSkipped) {
  const Outcome outcome = play(
      "machine: {pcpus: 1}\nduration: 10ms\ndomains:\n- {name: a, budget: 1ms, period: 5ms, workload: cpu-bound}\n", 1);
  EXPECT_EQ(outcome.kind, Outcome::Kind::kSkip);
  EXPECT_THAT(outcome.message, HasSubstr("knows no budget"));
}

TEST(ScenarioRun, NoSuchScheduler_IsLacking_AndAnyOtherRefusalIsNot) {
  const Scenario scenario = read_scenario("test.yaml", "machine: {pcpus: 1}\nduration: 10ms\n" + kOneBusy);
  const CoreObject core(artifact("hv.so"));
  host::Session session(core, host_options(scenario, artifact("hv.so"), ""));
  session.rewind(1);
  const toolstack::Privileged dom0(session.dom0());
  const SchedulerControl control(dom0);
  constexpr uint32_t kNoScheduler = 77, kNoPool = 50;
  EXPECT_THROW(static_cast<void>(control.create_pool(kNoScheduler)), Lacking);
  EXPECT_THROW(control.set_share(DomId{0}, XEN_SCHEDULER_RTDS, 256, std::nullopt), Lacking);
  try {
    control.add_pcpu(kNoPool, 0);
    FAIL() << "there is no such pool";
  } catch (const Lacking& lacking) {
    FAIL() << lacking.what();
  } catch (const ToolstackError& error) {
    EXPECT_THAT(error.what(), HasSubstr("-2 (ENOENT)"));
  }
}

constexpr const char* kJitter =
    "machine: {pcpus: 2}\nduration: 50ms\nfaults: {clock_jitter: 100us}\ndomains:\n"
    "- {name: a, vcpus: 4, workload: {kind: interactive, run: 100us, sleep: 200us}}\n"
    "expect:\n- no_starvation: {longer_than: 20ms}\n";

TEST(ScenarioRun, ClockThatStepsBack_IsLivedWith_AndOneThatIsBelievedIsNot) {
  const Scenario scenario = read_scenario("test.yaml", kJitter);
  ScenarioRunner runner(scenario, artifact("hv.so"), "");
  const Outcome outcome = runner.run(1);
  EXPECT_EQ(outcome.kind, Outcome::Kind::kPass) << outcome.message;
  EXPECT_EQ(runner.run(1).digest, outcome.digest);
  const Outcome believed = ScenarioRunner(scenario, artifact("hv-faults.so"), "fault=time.steps_back").run(1);
  EXPECT_EQ(believed.kind, Outcome::Kind::kCrash);
  EXPECT_THAT(believed.message, HasSubstr("time >= runstate.state_entry_time"));
}

TEST(ScenarioRun, NoMemory_IsARefusal_AndWhatTheDomainTookComesBack) {
  const auto with = [](const std::string& expected) {
    return play(
        "machine: {pcpus: 1}\nduration: 30ms\nfaults: {free_frames: 12}\ndomains:\n"
        "- {name: a, count: 3, created: false, workload: cpu-bound}\n"
        "actions:\n- {at: 1ms, create: a}\n- {at: 10ms, destroy: a}\n- {at: 20ms, create: a-2}\n"
        "expect:\n- refusals: {of: a, " +
            expected + "}\n",
        1);
  };
  const Outcome outcome = with("at_least: 1, at_most: 2");
  EXPECT_EQ(outcome.kind, Outcome::Kind::kPass) << outcome.message;
  const Outcome none = with("at_most: 0");
  EXPECT_EQ(none.reason, "refusals of a");
  EXPECT_THAT(none.message, HasSubstr("requests were refused for want of memory; at most 0"));
}

TEST(ScenarioRun, MemoryWriter_KeepsItsRate_AndIsMissedWhenHeld) {
  const auto with = [](const std::string& actions) {
    return play(
        "machine: {pcpus: 1}\nduration: 100ms\ndomains:\n"
        "- {name: a, vcpus: 2, workload: {kind: memory-writer, rate: 10000, pages: 700, pattern: random}}\n"
        "expect:\n- pages_written: {of: a, vcpu: 1, at_least: 9500, at_most: 10500}\n" +
            actions,
        1);
  };
  const Outcome outcome = with("");
  EXPECT_EQ(outcome.kind, Outcome::Kind::kPass) << outcome.message;
  const Outcome held = with("actions:\n- {at: 50ms, pause: a}\n");
  EXPECT_EQ(held.reason, "pages_written of a vCPU 1");
  EXPECT_THAT(held.message, HasSubstr("pages were written per second; at least 9500"));
}

Outcome play_guest(const std::string& guest, const std::string& expected) {
  const Scenario scenario = read_scenario("test.yaml",
                                          "machine: {pcpus: 1}\nduration: 10ms\ndomains:\n- {name: g, guest: {kernel: "
                                          "guest-hello.elf, memory: 8" +
                                              guest + "}}\nexpect:\n- " + expected + "\n",
                                          {program_folder()});
  return ScenarioRunner(scenario, artifact("hv.so"), "").run(1);
}

TEST(ScenarioRun, Guest_IsExecuted_AndWhatItWroteAndHowItEndedCanBeExpected) {
  const Outcome outcome = play_guest("", "console: {of: g, contains: hello from a guest}");
  EXPECT_EQ(outcome.kind, Outcome::Kind::kPass) << outcome.message << outcome.evidence;
  EXPECT_EQ(play_guest("", "console: {of: g, contains: hello from a guest}").digest, outcome.digest);
  EXPECT_EQ(play_guest("", "shutdown: {of: g, reason: poweroff}").kind, Outcome::Kind::kPass);
  const Outcome silent = play_guest("", "console: {of: g, contains: good-bye}");
  EXPECT_EQ(silent.reason, "console of g");
  EXPECT_THAT(silent.message, HasSubstr("g has not written 'good-bye' after 2"));
  EXPECT_THAT(silent.evidence, HasSubstr("console of g"));
  EXPECT_THAT(play_guest("", "shutdown: {of: g, reason: crash}").message,
              HasSubstr("g has ended by poweroff; expected crash"));
  EXPECT_THAT(play_guest("", "shutdown: {of: g, reason: poweroff, until: 1ms}").message, HasSubstr("g runs after"));
}

TEST(ScenarioRun, GuestThatExecutesMoreThanItMay_IsStopped) {
  const Outcome outcome = play_guest(", instructions: 100000", "shutdown: {of: g, reason: poweroff}");
  EXPECT_EQ(outcome.kind, Outcome::Kind::kFail);
  ASSERT_FALSE(outcome.others.empty());
  EXPECT_THAT(outcome.others.back(), HasSubstr("instructions, and was stopped; 'instructions' allows 100000"));
}

TEST(ScenarioRun, Nodes_AreTold_AndDomainsPreferTheirs) {
  const auto with = [](const std::string& busy) {
    return play(
        "machine: {sockets: 2, cores: 2, nodes: 2}\nduration: 100ms\ndomains:\n"
        "- {name: a, vcpus: 2, nodes: 1, workload: cpu-bound}\nexpect:\n- busy: {pcpus: " +
            busy + "}\n",
        1);
  };
  const Outcome outcome = with("2-3, at_least: 190%");
  EXPECT_EQ(outcome.kind, Outcome::Kind::kPass) << outcome.message;
  EXPECT_EQ(with("0-1, at_least: 10%").kind, Outcome::Kind::kFail);
}

constexpr const char* kPinned =
    "machine: {pcpus: 2}\nduration: 20ms\ndomains:\n- {name: a, vcpus: 2, workload: cpu-bound}\n"
    "actions:\n- {at: 7ms, affinity: {domain: a, hard: 1}}\n";

TEST(ScenarioRun, WrongRefusalInTheMiddle_FailsWithPlaceCallResultAndWhatWasExpected) {
  const Scenario scenario = read_scenario("test.yaml", kPinned);
  EXPECT_EQ(ScenarioRunner(scenario, artifact("hv.so"), "").run(1).kind, Outcome::Kind::kPass);
  const Outcome outcome =
      ScenarioRunner(scenario, artifact("hv-faults.so"), "fault=domctl.affinity_of_running_refused").run(1);
  EXPECT_EQ(outcome.kind, Outcome::Kind::kFail);
  EXPECT_EQ(outcome.reason, kRefused);
  EXPECT_GE(outcome.failed_ns, 7'000'000u);
  EXPECT_THAT(
      outcome.message,
      HasSubstr("test.yaml:6:3: affinity a: setvcpuaffinity of domain 1 returned -16 (EBUSY); expected success"));
  EXPECT_THAT(outcome.evidence, HasSubstr("pcpu 0"));
}

TEST(ScenarioRun, WhatTheFileItselfForbids_IsNotAskedFor) {
  const Outcome outcome = play(
      "machine: {pcpus: 2}\nduration: 50ms\npools:\n- {name: p, pcpus: 0, scheduler: {name: credit}}\n"
      "- {name: q, pcpus: 1, scheduler: {name: rtds}}\ndomains:\n- {name: a, workload: cpu-bound}\n"
      "- {name: b, workload: cpu-bound}\nactions:\n- {every: 100us, until: 30ms, pause: b}\n"
      "- {at: 5ms, move: {domain: a, pool: q}}\n- {at: 6ms, weight: {domain: a, to: 7}}\n"
      "- {at: 7ms, affinity: {domain: a, hard: 0}}\n- {at: 8ms, remove_pcpu: {pool: q, pcpu: 1}}\n"
      "- {at: 9ms, add_pcpu: {pool: q, pcpu: 0}}\n- {at: 31ms, destroy: b}\n- {at: 32ms, destroy: b}\n"
      "- {at: 33ms, cap: {domain: b, to: 5}}\n",
      1);
  EXPECT_EQ(outcome.kind, Outcome::Kind::kPass) << outcome.message;
}

}  // namespace
}  // namespace assay::scenario
