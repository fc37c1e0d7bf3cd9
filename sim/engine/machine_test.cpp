#include "sim/engine/machine.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/paths.hpp"
#include "sim/engine/pct.hpp"
#include "sim/port/testing/contended.h"
#include "sim/port/testing/ticker.h"

namespace assay {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kVersionCall = 17;
constexpr uint64_t kConsoleCall = 18;
constexpr uint64_t kSecond = 1'000'000'000;

MachineConfig small_machine() {
  MachineConfig config;
  config.pcpus = 2;
  config.memory_bytes = 64u << 20;
  config.arena_bytes = 1u << 20;
  return config;
}

/// Makes `calls` hypercalls of one number, then idles.
class Caller final : public GuestExecutor {
 public:
  Caller(uint64_t number, uint64_t calls, uint64_t argument = 0) : number_(number), left_(calls), argument_(argument) {}
  GuestStep step(assay_run& run, const StepLimits&, assay_exit& exit) override {
    result_ = run.regs->rax;
    if (left_ == 0) {
      done_ = true;
      return {GuestStep::Kind::kIdle};
    }
    --left_;
    run.regs->rax = number_;
    run.regs->rdi = argument_;
    exit.reason = ASSAY_EXIT_HYPERCALL;
    return {GuestStep::Kind::kExit};
  }
  [[nodiscard]] const bool& done() const { return done_; }
  [[nodiscard]] uint64_t result() const { return result_; }

 private:
  uint64_t number_;
  uint64_t left_;
  uint64_t argument_;
  uint64_t result_ = 0;
  bool done_ = false;
};

assay_image small_image() {
  static constexpr std::array<uint8_t, 64> kKernel{};
  assay_image image{};
  image.kernel = kKernel.data();
  image.kernel_bytes = kKernel.size();
  image.vcpus = 1;
  return image;
}

/// A machine with a test core whose only vCPU makes calls.
struct Rig {
  explicit Rig(const std::string& core_name, uint64_t number = kVersionCall, uint64_t calls = 1, uint64_t argument = 0)
      : core(artifact("core_" + core_name + ".so")), machine(core, small_machine()), caller(number, calls, argument) {
    EXPECT_EQ(machine.boot(), 0);
    EXPECT_EQ(machine.build_first_domain(small_image()), 0);
    machine.attach(0, 0, caller);
  }
  bool run() { return machine.run_until(caller.done(), 10 * kSecond); }
  std::string death() {
    try {
      run();
      return "alive";
    } catch (const CoreDied& died) {
      how = died.how();
      return died.what();
    }
  }
  CoreObject core;
  Machine machine;
  Caller caller;
  CoreDied::How how{};
};

uint64_t tick_word(const Rig& rig, uint32_t pcpu, unsigned index) {
  const auto* const words = reinterpret_cast<const uint64_t*>(static_cast<const void*>(rig.machine.memory()));
  return words[pcpu * TICKER_WORDS + index];
}

TEST(Machine, Boot_CapturesTheConsole) {
  const Rig rig("tiny");
  EXPECT_EQ(rig.machine.console(), "test core up\n");
}

TEST(Machine, Hypercall_ReturnsTheCoresAnswerAndCostsTime) {
  Rig rig("tiny", kVersionCall, 3);
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.caller.result(), 4u << 16 | 17u);
  // Two pCPUs enter once to learn what runs, then three calls.
  EXPECT_EQ(rig.machine.exits(), 5u);
  EXPECT_EQ(rig.machine.now_ns(), 5 * Machine::kExitCostNs);
}

TEST(Machine, NothingToDo_TimeJumpsToTheDeadline) {
  Rig rig("tiny");
  ASSERT_TRUE(rig.run());
  const uint64_t before = rig.machine.exits();
  rig.machine.pass_time(3600 * kSecond);
  EXPECT_EQ(rig.machine.exits(), before);
  EXPECT_GE(rig.machine.now_ns(), 3600 * kSecond);
}

TEST(Machine, SameSteps_SameDigest) {
  uint64_t digests[2];
  for (uint64_t& digest : digests) {
    Rig rig("tiny", kVersionCall, 100);
    rig.run();
    digest = rig.machine.digest();
  }
  EXPECT_EQ(digests[0], digests[1]);
  Rig other("tiny", kVersionCall, 101);
  other.run();
  EXPECT_NE(other.machine.digest(), digests[0]);
}

// A value that is the same on every compiler and optimisation level.
TEST(Machine, Digest_HasAFixedValue) {
  Rig rig("tiny", kVersionCall, 10);
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.machine.digest(), 11666539453348019612u);
}

TEST(Machine, Rewind_GoesBackToTheFrozenMoment) {
  Rig rig("tiny", kVersionCall, 5);
  rig.machine.freeze();
  const uint64_t frozen_digest = rig.machine.digest();
  ASSERT_TRUE(rig.run());
  rig.machine.memory()[0] = 99;
  rig.machine.rewind();
  EXPECT_EQ(rig.machine.digest(), frozen_digest);
  EXPECT_EQ(rig.machine.now_ns(), 0u);
  EXPECT_EQ(rig.machine.memory()[0], 0);
}

TEST(Machine, GoBack_IsTheSameMachineAgain) {
  Rig rig("ticker", TICKER_SLICE, 1, 1'000'000);
  rig.machine.freeze();
  ASSERT_TRUE(rig.run());
  rig.machine.pass_time(5'500'000);
  const Machine::Moment moment = rig.machine.take_moment();
  const uint64_t digest = rig.machine.digest();
  const uint64_t ticks = tick_word(rig, 0, TICKER_PREEMPTED);
  rig.machine.pass_time(10'000'000);
  const uint64_t later = rig.machine.digest();
  const uint64_t later_ticks = tick_word(rig, 0, TICKER_PREEMPTED);
  EXPECT_GT(later_ticks, ticks);
  for (int again = 0; again < 3; ++again) {
    rig.machine.go_back(moment);
    EXPECT_EQ(rig.machine.digest(), digest);
    EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), ticks);
    rig.machine.pass_time(10'000'000);
    EXPECT_EQ(rig.machine.digest(), later);
    EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), later_ticks);
    if (again == 1) rig.machine.rewind();
  }
}

TEST(Machine, GoBack_PutsTheConsoleBack) {
  Rig rig("ticker", TICKER_READ_CONSOLE);
  rig.machine.freeze();
  const Machine::Moment quiet = rig.machine.take_moment();
  rig.machine.type_console("x");
  const Machine::Moment typed = rig.machine.take_moment();
  rig.machine.go_back(quiet);
  rig.machine.go_back(typed);
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.caller.result(), static_cast<uint64_t>('x'));
}

TEST(Machine, NotFrozen_HasNoMoments) {
  Rig rig("tiny");
  EXPECT_THROW(static_cast<void>(rig.machine.take_moment()), std::logic_error);
  EXPECT_THROW(rig.machine.rewind(), std::logic_error);
  EXPECT_THROW(rig.machine.go_back({}), std::logic_error);
}

TEST(Machine, MomentOfAnEarlierBoot_IsRefused) {
  Rig rig("tiny");
  rig.machine.freeze();
  const Machine::Moment moment = rig.machine.take_moment();
  ASSERT_EQ(rig.machine.boot(), 0);
  EXPECT_THROW(rig.machine.rewind(), std::logic_error);
  rig.machine.freeze();
  EXPECT_THROW(rig.machine.go_back(moment), std::logic_error);
}

TEST(Machine, DeadInTheMiddle_GoesBackToAMoment) {
  Rig rig("crash", kVersionCall);
  rig.machine.freeze();
  const Machine::Moment moment = rig.machine.take_moment();
  for (int again = 0; again < 3; ++again) {
    rig.machine.memory()[4096] = 1;
    EXPECT_THAT(rig.death(), HasSubstr("the core died of SIGSEGV: wrote to 0x10"));
    EXPECT_THROW(static_cast<void>(rig.machine.take_moment()), CoreDied);
    rig.machine.go_back(moment);
    EXPECT_EQ(rig.machine.memory()[4096], 0);
    rig.caller = Caller(kVersionCall, 1);
  }
}

TEST(Machine, FrozenArena_StillSaysWhatWasOverrun) {
  Rig behind("overrun", kVersionCall);
  behind.machine.freeze();
  EXPECT_THAT(behind.death(), HasSubstr("wrote to 16 bytes past the end of the arena"));
}

TEST(Machine, BootAgain_IsAFreshMachine) {
  Rig rig("tiny", kVersionCall, 5);
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.machine.boot(), 0);
  EXPECT_EQ(rig.machine.now_ns(), 0u);
  EXPECT_EQ(rig.machine.console(), "test core up\n");
}

TEST(Machine, CorePanics_IsPanicWithItsWords) {
  Rig rig("crash", kConsoleCall);
  EXPECT_EQ(rig.death(), "panic: console_io is too much");
  EXPECT_EQ(rig.how, CoreDied::How::kPanic);
  EXPECT_TRUE(rig.machine.is_dead());
}

TEST(Machine, CoreFollowsABadPointer_IsFaultWithItsPlace) {
  Rig rig("crash", kVersionCall);
  const std::string text = rig.death();
  EXPECT_EQ(rig.how, CoreDied::How::kFault);
  EXPECT_THAT(text, HasSubstr("the core died of SIGSEGV: wrote to 0x10, at core_crash.so+0x"));
}

TEST(Machine, CoreOverrunsItsArena_SaysByHowMuch) {
  Rig behind("overrun", kVersionCall);
  EXPECT_THAT(behind.death(), HasSubstr("wrote to 16 bytes past the end of the arena"));
}

TEST(Machine, CoreUnderrunsItsArena_SaysByHowMuch) {
  Rig before("overrun", kConsoleCall);
  EXPECT_THAT(before.death(), HasSubstr("wrote to 1 bytes before the arena"));
}

TEST(Machine, CoreLoopsThroughPoints_IsHang) {
  Rig rig("hang", kConsoleCall);
  EXPECT_THAT(rig.death(), HasSubstr("without returning"));
  EXPECT_EQ(rig.how, CoreDied::How::kHang);
}

TEST(Machine, Dead_StaysDeadUntilRewound) {
  Rig rig("crash", kVersionCall);
  rig.machine.freeze();
  rig.death();
  EXPECT_THROW(rig.machine.pass_time(1), CoreDied);
  rig.machine.rewind();
  EXPECT_FALSE(rig.machine.is_dead());
}

TEST(Machine, Describe_ShowsTheLastExits) {
  Rig rig("tiny");
  ASSERT_TRUE(rig.run());
  EXPECT_THAT(rig.machine.describe(), HasSubstr("hypercall rax 0x11"));
}

TEST(Machine, Timer_FiresOnceAtItsTime) {
  Rig rig("ticker", TICKER_SET_TIMER, 1, 1'000'000);
  ASSERT_TRUE(rig.run());
  const uint64_t armed_ns = rig.machine.now_ns();
  EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), 0u);
  rig.machine.pass_time(10'000'000);
  EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), 1u);
  EXPECT_EQ(tick_word(rig, 0, TICKER_LAST_NS), armed_ns + 1'000'000 + Machine::kExitCostNs);
}

TEST(Machine, Timer_InThePastFiresAtOnce) {
  Rig rig("ticker", TICKER_SET_TIMER, 1, 0);
  ASSERT_TRUE(rig.run());
  rig.machine.pass_time(Machine::kExitCostNs);
  EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), 1u);
}

TEST(Machine, Timer_NeverIsNeverFired) {
  Rig rig("ticker", TICKER_SET_TIMER, 1, ASSAY_NEVER - kSecond);
  ASSERT_TRUE(rig.run());
  rig.machine.pass_time(kSecond);
  EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), 0u);
}

TEST(Machine, Slice_EndsAgainAndAgain) {
  Rig rig("ticker", TICKER_SLICE, 1, 1'000'000);
  ASSERT_TRUE(rig.run());
  rig.machine.pass_time(10'500'000);
  EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), 10u);
}

TEST(Machine, Signal_MakesAnotherPcpuEnterOnce) {
  Rig rig("ticker", TICKER_SIGNAL, 1, 1);
  ASSERT_TRUE(rig.run());
  rig.machine.pass_time(kSecond);
  EXPECT_EQ(tick_word(rig, 1, TICKER_PREEMPTED), 1u);
  EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), 0u);
}

/// Everything takes as long as it says.
struct SlowHardware final : Hardware {
  uint64_t signal_delay_ns(uint32_t, uint64_t) override { return signal_ns; }
  uint64_t timer_lateness_ns(uint32_t, uint64_t) override { return timer_ns; }
  uint64_t clock_lag_ns(uint32_t, uint64_t) override { return lag_ns; }
  uint64_t exit_cost_ns(uint32_t, uint64_t, uint64_t usual_ns) override { return usual_ns * exit_factor; }
  uint64_t signal_ns = 0, timer_ns = 0, lag_ns = 0, exit_factor = 1;
};

TEST(Machine, LateSignal_ArrivesWhenItIsThere) {
  Rig rig("ticker", TICKER_SIGNAL, 1, 1);
  SlowHardware hardware;
  hardware.signal_ns = 1'000'000;
  rig.machine.set_hardware(&hardware);
  ASSERT_TRUE(rig.run());
  rig.machine.pass_time(900'000);
  EXPECT_EQ(tick_word(rig, 1, TICKER_PREEMPTED), 0u);
  rig.machine.pass_time(200'000);
  EXPECT_EQ(tick_word(rig, 1, TICKER_PREEMPTED), 1u);
  rig.machine.set_hardware(nullptr);
}

/// Of the pCPU that set a timer of a millisecond, when it fired.
uint64_t fired_ns(uint64_t lag_ns) {
  Rig rig("ticker", TICKER_SET_TIMER, 1, 1'000'000);
  SlowHardware hardware;
  hardware.lag_ns = lag_ns;
  rig.machine.set_hardware(&hardware);
  EXPECT_TRUE(rig.run());
  rig.machine.pass_time(2'000'000);
  EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), 1u);
  rig.machine.set_hardware(nullptr);
  return tick_word(rig, 0, TICKER_LAST_NS);
}

TEST(Machine, LaggingClock_IsWhatTheCoreReads) {
  EXPECT_EQ(fired_ns(0) - fired_ns(700), 2 * 700u) << "when it sets the timer, and when that fires";
}

TEST(Machine, LateTimer_AndSlowExits_TakeThatMuchLonger) {
  Rig rig("ticker", TICKER_SET_TIMER, 1, 1'000'000);
  SlowHardware hardware;
  hardware.timer_ns = 300'000;
  hardware.exit_factor = 10;
  rig.machine.set_hardware(&hardware);
  ASSERT_TRUE(rig.run());
  const uint64_t armed_ns = rig.machine.now_ns();
  rig.machine.pass_time(10'000'000);
  EXPECT_EQ(tick_word(rig, 0, TICKER_LAST_NS), armed_ns + 1'300'000 + 10 * Machine::kExitCostNs);
  rig.machine.set_hardware(nullptr);
}

TEST(Machine, Signal_ToItselfIsTakenBeforeTheNextStep) {
  Rig rig("ticker", TICKER_SIGNAL, 3, 0);
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(tick_word(rig, 0, TICKER_PREEMPTED), 3u);
}

TEST(Machine, Signal_ToNoSuchPcpuIsPanic) {
  Rig rig("ticker", TICKER_SIGNAL, 1, 2);
  EXPECT_EQ(rig.death(), "panic: signal: no such pcpu");
}

TEST(Machine, TypedText_ReachesTheCore) {
  Rig rig("ticker", TICKER_READ_CONSOLE);
  rig.machine.type_console("x");
  ASSERT_TRUE(rig.run());
  EXPECT_EQ(rig.caller.result(), static_cast<uint64_t>('x'));
}

TEST(Machine, RunUntil_StopsAtItsDeadline) {
  Rig rig("tiny", kVersionCall, 1'000'000'000);
  EXPECT_FALSE(rig.machine.run_until(rig.caller.done(), 1'000'000));
  EXPECT_EQ(rig.machine.now_ns(), 1'000'000u);
}

/// One vCPU on each pCPU takes the same lock inside the core; the core counts how often it found it taken.
struct Contest {
  explicit Contest(std::unique_ptr<SchedulePolicy> policy)
      : core(artifact("core_contended.so")), machine(core, config()) {
    EXPECT_EQ(machine.boot(), 0);
    EXPECT_EQ(machine.build_first_domain(small_image()), 0);
    machine.set_policy(std::move(policy));
    for (uint32_t i = 0; i < kContenders; ++i) {
      callers.push_back(std::make_unique<Caller>(kVersionCall, 200));
      machine.attach(0, i, *callers.back());
    }
    for (const auto& caller : callers) EXPECT_TRUE(machine.run_until(caller->done(), kSecond));
    machine.settle();
  }
  static MachineConfig config() {
    MachineConfig config = small_machine();
    config.pcpus = kContenders;
    return config;
  }
  [[nodiscard]] uint64_t word(unsigned index) const {
    return reinterpret_cast<const uint64_t*>(static_cast<const void*>(machine.memory()))[index];
  }
  static constexpr uint32_t kContenders = 3;
  CoreObject core;
  Machine machine;
  std::vector<std::unique_ptr<Caller>> callers;
};

TEST(Machine, NeverSwitch_FindsNoLockTaken) {
  const Contest contest(std::make_unique<NeverSwitch>());
  EXPECT_EQ(contest.word(CONTENDED_ENTRIES), 600u);
  EXPECT_EQ(contest.word(CONTENDED_MISSES), 0u);
  EXPECT_EQ(contest.word(CONTENDED_RACES), 0u);
}

TEST(Machine, RandomWalk_MakesContentionAndRaces) {
  const Contest contest(std::make_unique<RandomWalk>(Rng(1).fork("sched"), 2));
  EXPECT_EQ(contest.word(CONTENDED_ENTRIES), 600u);
  EXPECT_GT(contest.word(CONTENDED_MISSES), 0u);
  EXPECT_GT(contest.word(CONTENDED_RACES), 0u);
}

// Everybody wants the one lock: whoever waits for it lets its holder go on, whatever its priority.
TEST(Machine, Pct_MakesContentionAndRaces_AndEnds) {
  uint64_t misses = 0, races = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Contest contest(std::make_unique<Pct>(Rng(seed), 3, 3000));
    EXPECT_EQ(contest.word(CONTENDED_ENTRIES), 600u) << seed;
    misses += contest.word(CONTENDED_MISSES);
    races += contest.word(CONTENDED_RACES);
  }
  EXPECT_GT(misses, 0u);
  EXPECT_GT(races, 0u);
}

TEST(Machine, MomentInTheMiddleOfTheCore_IsRefusedUntilSettled) {
  Contest contest(std::make_unique<RandomWalk>(Rng(1).fork("sched"), 2));
  contest.machine.freeze();
  std::vector<Caller> callers(Contest::kContenders, Caller(kVersionCall, 200));
  for (uint32_t i = 0; i < Contest::kContenders; ++i) {
    contest.machine.detach(*contest.callers[i]);
    contest.machine.attach(0, i, callers[i]);
  }
  bool was_refused = false;
  for (int i = 0; i < 50; ++i) {
    contest.machine.pass_time(1);
    try {
      static_cast<void>(contest.machine.take_moment());
    } catch (const std::logic_error&) {
      was_refused = true;
    }
  }
  EXPECT_TRUE(was_refused);
  contest.machine.settle();
  const Machine::Moment moment = contest.machine.take_moment();
  const uint64_t entries = contest.word(CONTENDED_ENTRIES);
  contest.machine.pass_time(100'000);
  EXPECT_GT(contest.word(CONTENDED_ENTRIES), entries);
  contest.machine.go_back(moment);
  EXPECT_EQ(contest.word(CONTENDED_ENTRIES), entries);
}

TEST(Machine, RandomWalk_SameSeedSameDigest) {
  const auto digest = [](uint64_t seed) {
    return Contest(std::make_unique<RandomWalk>(Rng(seed).fork("sched"), 2)).machine.digest();
  };
  EXPECT_EQ(digest(1), digest(1));
  EXPECT_NE(digest(1), digest(2));
}

}  // namespace
}  // namespace assay
