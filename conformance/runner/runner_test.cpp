#include "conformance/runner/runner.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/testing/fake_target.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;
using namespace testing_support;

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

void crashes(CaseContext&) {
  std::fputs("fake: the core wrote outside its arena\n", stderr);
  std::signal(SIGSEGV, SIG_DFL);
  std::raise(SIGSEGV);
}

void hangs(CaseContext&) {
  sleep_for_ever();
}
void spins(CaseContext&) {
  for (volatile uint64_t rounds = 0;; rounds = rounds + 1) {
  }
}

/// Longer than the limit of the tests that use it, computing nothing.
void sleeps_a_little(CaseContext& c) {
  ::usleep(200'000);
  passes(c);
}

void leaves(CaseContext&) {
  ::_exit(3);
}

/// Writes nonsense into every pipe it can find, as a core with a stray file descriptor might.
void babbles(CaseContext&) {
  for (int fd = 3; fd < 64; ++fd) {
    if (::write(fd, "garbage garbage garbage", 23) < 0) continue;
  }
  sleep_for_ever();
}

void interrupts(CaseContext&) {
  ::kill(::getppid(), SIGINT);
  sleep_for_ever();
}

RunOutcome run(const std::vector<Variant>& variants, RunOptions options = {}, const TargetFactory& make = make_fake) {
  RunObserver nobody;
  return run_variants(make, variants, options, nobody);
}

/// A bad case between two good ones.
RunOutcome run_between(void (*body)(CaseContext&), RunOptions options = {}) {
  return run({variant_of("a.first", passes), variant_of("a.second", body), variant_of("a.third", passes)}, options);
}

void expect_only_second(const RunOutcome& outcome, Verdict verdict) {
  ASSERT_TRUE(outcome.results[0] && outcome.results[1] && outcome.results[2]);
  EXPECT_EQ(outcome.results[0]->verdict, Verdict::kPass);
  EXPECT_EQ(outcome.results[1]->verdict, verdict) << outcome.results[1]->message;
  EXPECT_EQ(outcome.results[2]->verdict, Verdict::kPass);
}

TEST(Runner, GoodCases_ComeBackInOrder) {
  const RunOutcome outcome = run_between(fails);
  expect_only_second(outcome, Verdict::kFail);
  EXPECT_EQ(outcome.target.name, "Fake");
  EXPECT_EQ(outcome.target.capabilities.size(), 2u);
  EXPECT_EQ(outcome.restarts, 0u);
}

TEST(Runner, WorkerThatCrashes_IsCrash_WithSignalAndLastWords) {
  const RunOutcome outcome = run_between(crashes);
  expect_only_second(outcome, Verdict::kCrash);
  EXPECT_EQ(outcome.results[1]->message, "worker killed by SIGSEGV (11): fake: the core wrote outside its arena");
  EXPECT_EQ(outcome.restarts, 1u);
}

TEST(Runner, WorkerThatHangs_IsTimeout) {
  RunOptions options;
  options.case_limit = std::chrono::milliseconds(300);
  expect_only_second(run_between(hangs, options), Verdict::kTimeout);
}

TEST(Runner, LimitsOfProcessorTime_EndWhatComputes_AndLetWaitWhatIsKeptFromIt) {
  RunOptions options;
  options.case_limit = std::chrono::milliseconds(50);
  options.limits_count = LimitsCount::kProcessorTime;
  const RunOutcome computes = run_between(spins, options);
  expect_only_second(computes, Verdict::kTimeout);
  EXPECT_EQ(computes.results[1]->message, "no end after 50 ms of processor time");
  const RunOutcome waits = run_between(sleeps_a_little, options);
  ASSERT_TRUE(waits.results[1]);
  EXPECT_EQ(waits.results[1]->verdict, Verdict::kPass);
}

TEST(Runner, LimitsOfProcessorTime_EndWhatSleepsForEver) {
  RunOptions options;
  options.case_limit = std::chrono::milliseconds(10);
  options.limits_count = LimitsCount::kProcessorTime;
  expect_only_second(run_between(hangs, options), Verdict::kTimeout);
}

TEST(Runner, WorkerThatExits_IsError) {
  const RunOutcome outcome = run_between(leaves);
  expect_only_second(outcome, Verdict::kError);
  EXPECT_THAT(outcome.results[1]->message, HasSubstr("exited with status 3"));
}

TEST(Runner, GarbageInThePipe_IsError_AndTheRunGoesOn) {
  expect_only_second(run_between(babbles), Verdict::kError);
}

TEST(Runner, EveryCaseCrashes_EveryCaseIsCrash) {
  std::vector<Variant> variants;
  const std::vector<std::string> slugs{"a.a", "a.b", "a.c", "a.d", "a.e"};
  for (const std::string& slug : slugs) variants.push_back(variant_of(slug, crashes));
  RunOptions options;
  options.jobs = 3;
  for (const auto& result : run(variants, options).results) {
    ASSERT_TRUE(result);
    EXPECT_EQ(result->verdict, Verdict::kCrash);
  }
}

TEST(Runner, Interruption_KeepsWhatIsDone) {
  const RunOutcome outcome = run_between(interrupts);
  EXPECT_TRUE(outcome.interrupted);
  ASSERT_TRUE(outcome.results[0]);
  EXPECT_EQ(outcome.results[0]->verdict, Verdict::kPass);
  EXPECT_FALSE(outcome.results[1]);
  EXPECT_FALSE(outcome.results[2]);
}

TEST(Runner, TargetThatCannotBeHad_SaysWhy) {
  const RunOutcome outcome = run({variant_of("a.a", passes)}, {},
                                 []() -> std::unique_ptr<Target> { throw TargetUnavailable("no QEMU here"); });
  EXPECT_EQ(outcome.unavailable, "no QEMU here");
  EXPECT_FALSE(outcome.results[0]);
}

TEST(Runner, HarnessFaultWhileStarting_IsKeptApart) {
  const RunOutcome outcome =
      run({variant_of("a.a", passes)}, {}, []() -> std::unique_ptr<Target> { throw HarnessFault("broken"); });
  EXPECT_EQ(outcome.harness_fault, "broken");
  EXPECT_EQ(outcome.unavailable, "");
}

TEST(Runner, TargetThatCrashesWhileStarting_IsUnavailable) {
  const RunOutcome outcome = run({variant_of("a.a", passes)}, {}, []() -> std::unique_ptr<Target> {
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
    return nullptr;
  });
  EXPECT_THAT(outcome.unavailable, HasSubstr("SIGSEGV"));
}

TEST(Runner, TargetThatNeverStarts_IsUnavailable) {
  RunOptions options;
  options.start_limit = std::chrono::milliseconds(200);
  const RunOutcome outcome =
      run({variant_of("a.a", passes)}, options, []() -> std::unique_ptr<Target> { sleep_for_ever(); });
  EXPECT_THAT(outcome.unavailable, HasSubstr("200 ms"));
}

TEST(Runner, Jobs_ChangeNeitherOrderNorDigest) {
  std::vector<std::string> slugs;
  for (int i = 0; i < 60; ++i) slugs.push_back("a.case_" + std::to_string(i));
  std::vector<Variant> variants;
  for (const std::string& slug : slugs) variants.push_back(variant_of(slug, slug.ends_with("7") ? fails : passes));
  RunOptions options;
  const Results one = assemble({"fake", "", 1}, variants, run(variants, options), Expectations(), Claims());
  options.jobs = 5;
  const Results five = assemble({"fake", "", 1}, variants, run(variants, options), Expectations(), Claims());
  EXPECT_EQ(one.run_digest, five.run_digest);
  ASSERT_EQ(one.cases.size(), five.cases.size());
  for (size_t i = 0; i < one.cases.size(); ++i) EXPECT_EQ(one.cases[i].id, five.cases[i].id);
  options.seed = 2;
  EXPECT_NE(assemble({"fake", "", 2}, variants, run(variants, options), Expectations(), Claims()).run_digest,
            one.run_digest);
}

}  // namespace
}  // namespace assay
