/// Every oracle catches a trace that breaks its promise, made by hand, and lets the same trace without the break pass.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/scenario/oracles/deadline_misses.hpp"
#include "sim/scenario/oracles/frames.hpp"
#include "sim/scenario/oracles/latency.hpp"
#include "sim/scenario/oracles/memory_returned.hpp"
#include "sim/scenario/oracles/placement.hpp"
#include "sim/scenario/oracles/share.hpp"
#include "sim/scenario/oracles/starvation.hpp"
#include "sim/scenario/oracles/supply.hpp"
#include "sim/scenario/oracles/tally.hpp"
#include "sim/scenario/oracles/time_accounting.hpp"
#include "sim/scenario/oracles/work_conservation.hpp"
#include "sim/scenario/scenario.hpp"

namespace assay::scenario {
namespace {

using ::testing::HasSubstr;
using Kind = ScheduleEvent::Kind;
constexpr uint64_t kMs = kNsPerMs;

PcpuSet pcpus(std::initializer_list<uint32_t> members) {
  PcpuSet set;
  for (const uint32_t pcpu : members) set.add(pcpu);
  return set;
}

/// Two vCPUs, a and b, online and awake at time 0 on two pCPUs, and one oracle that looks from there on.
struct Trace {
  explicit Trace(Oracle& watched) : oracle(watched) {
    a = schedule.add_vcpu(pcpus({0}));
    b = schedule.add_vcpu(pcpus({0, 1}));
    for (const VcpuIndex vcpu : {a, b}) {
      schedule.apply({.kind = Kind::kOnline, .vcpu = vcpu});
      schedule.apply({.kind = Kind::kWake, .vcpu = vcpu});
    }
    oracle.begin(schedule, 0);
  }
  void at(uint64_t now_ms, Kind kind, VcpuIndex vcpu, uint32_t pcpu = PcpuSet::kNone, const PcpuSet& mask = {}) {
    const ScheduleEvent event{now_ms * kMs, kind, vcpu, pcpu, mask};
    oracle.on(event, schedule);
    schedule.apply(event);
  }
  std::string end(uint64_t now_ms) {
    oracle.end(schedule, now_ms * kMs);
    return oracle.violation() ? oracle.violation()->words : "";
  }
  Schedule schedule{2};
  Oracle& oracle;
  VcpuIndex a = 0, b = 0;
};

TEST(Oracles, Placement_RunsOutsideItsMask_IsCaught) {
  Placement oracle(kMs);
  Trace trace(oracle);
  trace.at(1, Kind::kRun, trace.a, 1);
  EXPECT_THAT(trace.end(2), HasSubstr("outside of where it may"));
  EXPECT_EQ(oracle.violation()->pcpu, 1u);
  EXPECT_EQ(oracle.violation()->now_ns, kMs);
}

TEST(Oracles, Placement_StaysTooLongAfterAChange_IsCaught_AGraceIsNot) {
  for (const uint64_t leaves_ms : {2u, 4u}) {
    Placement oracle(kMs);
    Trace trace(oracle);
    trace.at(0, Kind::kRun, trace.b, 1);
    trace.at(1, Kind::kMayRunOn, trace.b, PcpuSet::kNone, pcpus({0}));
    trace.at(leaves_ms, Kind::kLeave, trace.b, 1);
    EXPECT_EQ(trace.end(5),
              leaves_ms == 2 ? "" : "has stayed on a pCPU for 3ms that is not among those it may run on, 0");
  }
}

TEST(Oracles, Placement_RunsWhilePaused_IsCaught) {
  Placement oracle(kMs);
  Trace trace(oracle);
  trace.at(1, Kind::kPause, trace.a);
  trace.at(2, Kind::kRun, trace.a, 0);
  EXPECT_THAT(trace.end(3), HasSubstr("paused"));
}

TEST(Oracles, WorkConservation_IdleWhileOneWaits_IsCaught) {
  for (const bool is_bad : {false, true}) {
    WorkConservation oracle(2 * kMs, {}, {});
    Trace trace(oracle);
    trace.at(0, Kind::kRun, trace.a, 0);
    if (!is_bad) trace.at(1, Kind::kRun, trace.b, 1);
    EXPECT_EQ(trace.end(5).empty(), !is_bad);
  }
}

TEST(Oracles, WorkConservation_WhoMayNotRunThereOrIsHeldBack_IsNoOffence) {
  WorkConservation masked(2 * kMs, {}, {});
  Trace trace(masked);
  trace.at(0, Kind::kRun, trace.b, 0);  // a waits for pCPU 0; pCPU 1 is not for it
  EXPECT_EQ(trace.end(9), "");
  WorkConservation exempting(2 * kMs, {true, true}, {});
  EXPECT_EQ(Trace(exempting).end(9), "");
}

TEST(Oracles, Starvation_WaitsLongerThanTheBound_IsCaught) {
  for (const uint64_t runs_ms : {4u, 6u}) {
    Starvation oracle("starvation", 5 * kMs, {});
    Trace trace(oracle);
    trace.at(0, Kind::kRun, trace.b, 1);
    trace.at(runs_ms, Kind::kRun, trace.a, 0);
    EXPECT_EQ(trace.end(20).empty(), runs_ms == 4);
  }
}

TEST(Oracles, Starvation_AWakeUpThatWasLost_IsCaughtAtTheEnd) {
  Starvation oracle("liveness", 5 * kMs, {});
  Trace trace(oracle);
  trace.at(0, Kind::kRun, trace.b, 1);
  EXPECT_THAT(trace.end(5), HasSubstr("was woken and has not run for 5ms"));
}

TEST(Oracles, Share_OutOfBounds_IsCaught) {
  for (const uint64_t leaves_ms : {3u, 5u}) {
    Share oracle("share", {0}, {}, {.at_least = 45 * kWholePcpu / 100, .at_most = 55 * kWholePcpu / 100});
    Trace trace(oracle);
    trace.at(0, Kind::kRun, trace.a, 0);
    trace.at(leaves_ms, Kind::kLeave, trace.a, 0);
    EXPECT_EQ(trace.end(10).empty(), leaves_ms == 5);
    EXPECT_EQ(oracle.share(), leaves_ms * kWholePcpu / 10);
  }
}

TEST(Oracles, Share_AboveACap_IsCaught) {
  Share oracle("share", {0}, {}, {.at_least = 0, .at_most = 20 * kWholePcpu / 100});
  Trace trace(oracle);
  trace.at(0, Kind::kRun, trace.a, 0);
  EXPECT_EQ(trace.end(10), "100% of a pCPU in 10ms, at most 20% expected");
}

TEST(Oracles, Share_OfPcpus_CountsWhoeverRunsThere) {
  Share oracle("busy", {}, pcpus({1}), {.at_least = kWholePcpu / 2, .at_most = UINT64_MAX});
  Trace trace(oracle);
  trace.at(0, Kind::kRun, trace.a, 0);
  trace.at(8, Kind::kRun, trace.b, 1);
  EXPECT_THAT(trace.end(10), HasSubstr("20% of a pCPU"));
}

TEST(Oracles, Latency_OfAWakeUp_IsCaught) {
  for (const uint64_t runs_ms : {2u, 4u}) {
    Latency oracle("latency", kWholePcpu, 2 * kMs, {});
    Trace trace(oracle);
    trace.at(runs_ms, Kind::kRun, trace.a, 0);
    EXPECT_EQ(trace.end(5).empty(), runs_ms == 2);
  }
}

TEST(Oracles, Latency_OfNobody_CannotBeTold) {
  Latency oracle("latency", kWholePcpu, kMs, {});
  EXPECT_THAT(Trace(oracle).end(5), HasSubstr("nobody was woken"));
}

TEST(Oracles, Supply_LessThanItsBudgets_IsCaught) {
  for (const uint64_t runs_for_ms : {1u, 3u}) {
    Supply oracle("supply", {3 * kMs, 10 * kMs, false}, {0});
    Trace trace(oracle);
    for (uint64_t period = 0; period < 8; ++period) {
      trace.at(period * 10, Kind::kRun, trace.a, 0);
      trace.at(period * 10 + runs_for_ms, Kind::kLeave, trace.a, 0);
    }
    EXPECT_EQ(trace.end(80).empty(), runs_for_ms == 3);
  }
}

TEST(Oracles, Supply_AGapThatNoPhaseExplains_IsCaught) {
  Supply oracle("supply", {5 * kMs, 10 * kMs, false}, {0});
  Trace trace(oracle);
  trace.at(0, Kind::kRun, trace.a, 0);
  trace.at(20, Kind::kLeave, trace.a, 0);
  trace.at(31, Kind::kRun, trace.a, 0);
  EXPECT_THAT(trace.end(40), HasSubstr("has waited for 11ms"));
}

/// What an oracle of 3 ms in each 10 ms says of times that it runs, in ms, from and until.
std::string supplied(const std::vector<std::pair<uint64_t, uint64_t>>& stretches, bool is_exact) {
  Supply oracle("supply", {3 * kMs, 10 * kMs, is_exact}, {0});
  Trace trace(oracle);
  for (const auto& [from, until] : stretches) {
    trace.at(from, Kind::kRun, trace.a, 0);
    trace.at(until, Kind::kLeave, trace.a, 0);
  }
  return trace.end((stretches.back().second + 9) / 10 * 10);
}

/// One stretch in each period.
std::string supplied_each(const std::vector<uint64_t>& had_ms, bool is_exact) {
  std::vector<std::pair<uint64_t, uint64_t>> stretches;
  for (const uint64_t had : had_ms) stretches.emplace_back(stretches.size() * 10 + 1, stretches.size() * 10 + 1 + had);
  return supplied(stretches, is_exact);
}

TEST(Oracles, Supply_MoreThanItsBudgets_IsCaughtWhereItIsExact) {
  EXPECT_EQ(supplied_each({3, 3, 3, 3, 3, 3}, true), "");
  EXPECT_EQ(supplied_each({3, 4, 4, 4, 4, 4}, false), "") << "extra time is no mistake";
  EXPECT_THAT(supplied_each({3, 4, 4, 4, 4, 4}, true),
              HasSubstr("has had 19ms in 50ms, at most 18ms expected: 3ms in each 10ms"));
}

TEST(Oracles, Supply_TwoBudgetsAtOnce_AreAPhase_MoreIsNot) {
  EXPECT_EQ(supplied({{1, 4}, {17, 23}, {31, 34}, {41, 44}}, true), "");
  EXPECT_THAT(supplied({{1, 4}, {17, 24}, {31, 34}, {41, 44}}, true),
              HasSubstr("has run for 7ms without a pause, at most 6.05ms"));
  EXPECT_EQ(supplied({{1, 4}, {17, 24}, {31, 34}, {41, 44}}, false), "");
}

TEST(Oracles, Supply_TooMuchAfterTooLittle_IsCaught_AlthoughItMakesUpForIt) {
  EXPECT_EQ(supplied_each({3, 2, 2, 2, 4, 4, 4}, true), "");
  EXPECT_THAT(supplied_each({3, 2, 2, 2, 4, 4, 4, 4}, true), HasSubstr("has had 16ms in 40ms, at most 15ms expected"));
  EXPECT_THAT(supplied_each({5, 5, 1, 1, 3}, false), HasSubstr("has had 2ms in 20ms, at least 3ms expected"));
}

TEST(Oracles, Frames_LatenessThatAddsUp_IsCaught_LatenessAloneIsNot) {
  for (const uint64_t length_ms : {10u, 11u}) {
    Frames oracle("frames", 10 * kMs, 2 * kMs, {0});
    Trace trace(oracle);
    for (uint64_t frame = 0; frame < 4; ++frame) {
      const uint64_t late_ms = frame == 1 ? 1 : 0;
      trace.at(5 + frame * length_ms + late_ms, Kind::kRun, trace.a, 0);
      trace.at(8 + frame * length_ms, Kind::kLeave, trace.a, 0);
    }
    EXPECT_EQ(trace.end(50), length_ms == 10 ? ""
                                             : "gets its slot 33ms after the first time, which is 3ms late in frames "
                                               "of 10ms; within 2ms expected");
  }
}

TEST(Oracles, Frames_ASlotThatComesTooSoon_IsCaught) {
  Frames oracle("frames", 10 * kMs, kMs, {0});
  Trace trace(oracle);
  trace.at(5, Kind::kRun, trace.a, 0);
  trace.at(7, Kind::kLeave, trace.a, 0);
  trace.at(12, Kind::kRun, trace.a, 0);
  EXPECT_THAT(trace.end(20), HasSubstr("3ms early"));
}

TEST(Oracles, DeadlineMisses_MoreThanThatMany_IsCaught) {
  for (const uint64_t missed : {2u, 3u}) {
    uint64_t count = 0;
    DeadlineMisses oracle("deadlines", 2, {0}, [&](VcpuIndex, uint64_t) { return JobCount{9, count, 7}; });
    Trace trace(oracle);
    count = missed;
    EXPECT_EQ(trace.end(5).empty(), missed == 2);
  }
}

TEST(Oracles, TimeAccounting_RunstatesThatDoNotAddUp_OrTellAnotherTime_AreCaught) {
  for (const uint64_t blocked_ms : {6u, 7u}) {
    for (const uint64_t ran_ms : {4u, 2u}) {
      vcpu_runstate_info_t told{};
      told.state_entry_time = 11 * kMs;
      told.time[RUNSTATE_running] = ran_ms * kMs;
      told.time[RUNSTATE_runnable] = (4 - ran_ms) * kMs;
      told.time[RUNSTATE_blocked] = blocked_ms * kMs;
      TimeAccounting oracle([&] { return TimeAccounting::Areas{{&told, kMs - 10, kMs + 10}}; }, 20);
      Trace trace(oracle);
      trace.at(0, Kind::kRun, trace.a, 0);
      trace.at(4, Kind::kLeave, trace.a, 0);
      EXPECT_EQ(trace.end(20).empty(), blocked_ms == 6 && ran_ms == 4) << blocked_ms << " " << ran_ms;
    }
  }
}

TEST(Oracles, TimeAccounting_ClockThatLags_IsAllowedFor_WithinItsBoundForEachStay) {
  const auto words = [](uint64_t clock_error_ns, uint64_t ran_ns) {
    vcpu_runstate_info_t told{};
    told.state_entry_time = 10 * kMs;
    told.time[RUNSTATE_running] = ran_ns;
    told.time[RUNSTATE_runnable] = 9 * kMs - ran_ns;
    TimeAccounting oracle(
        [&] {
          return TimeAccounting::Areas{{&told, kMs + kNsPerMs / 2, kMs + kNsPerMs / 2}};
        },
        1000, clock_error_ns);
    Trace trace(oracle);
    for (uint64_t at = 0; at < 8; at += 2) {
      trace.at(at, Kind::kRun, trace.a, 0);
      trace.at(at + 1, Kind::kLeave, trace.a, 0);
    }
    return trace.end(10);  // 4 ms in four stays
  };
  EXPECT_THAT(words(0, 4 * kMs), HasSubstr("runstates add up to"));
  EXPECT_EQ(words(kMs / 2, 4 * kMs), "");
  EXPECT_EQ(words(kMs / 2, 6 * kMs), "");
  EXPECT_THAT(words(kMs / 2, 6 * kMs + kMs / 2), HasSubstr("is told that it ran for 6.5ms"));
}

TEST(Oracles, Tally_TooFewOrTooMany_InAllOrPerSecond) {
  const auto words = [](uint64_t done, const Tally::Bounds& bounds) {
    uint64_t count = 7;
    Tally oracle("tally", "things", bounds, [&] { return count; });
    Trace trace(oracle);
    count += done;
    return trace.end(500);
  };
  EXPECT_EQ(words(3, {.at_least = 3, .at_most = 3}), "");
  EXPECT_EQ(words(2, {.at_least = 3}), "2 things; at least 3");
  EXPECT_EQ(words(4, {.at_most = 3}), "4 things; at most 3");
  EXPECT_EQ(words(50, {.at_least = 100, .at_most = 100, .is_per_second = true}), "");
  EXPECT_EQ(words(50, {.at_least = 101, .is_per_second = true}), "100 things per second; at least 101");
}

TEST(Oracles, MemoryReturned_WhatIsMissingAfterARefusalOrAnEnd_IsCaught) {
  constexpr uint64_t kSize = 1;
  const auto words = [](const MemoryReturned& oracle) { return oracle.violation() ? oracle.violation()->words : ""; };
  MemoryReturned fine;
  fine.created("a", kSize, 100, 90);
  fine.refused("b", kSize, 0, 9, 9);
  fine.destroyed("a", 0, 9, 19);
  EXPECT_EQ(words(fine), "");
  MemoryReturned lost;
  lost.refused("b", kSize, 0, 9, 8);
  EXPECT_EQ(words(lost), "9 frames were free before b could not be built, and 8 afterwards");
  MemoryReturned mean;
  mean.created("a", kSize, 100, 90);
  mean.refused("b", kSize, 0, 10, 10);
  EXPECT_EQ(words(mean), "b was refused with 10 free frames; one of its size took 10");
  MemoryReturned kept;
  kept.created("a", kSize, 100, 90);
  kept.destroyed("a", 0, 90, 99);
  EXPECT_EQ(words(kept), "a took 10 frames, and gave 9 back");
}

}  // namespace
}  // namespace assay::scenario
