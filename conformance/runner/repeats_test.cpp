#include "conformance/runner/repeats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <new>
#include <set>

#include "conformance/runner/grade.hpp"
#include "conformance/runner/testing/fake_target.hpp"
#include "reports/write_file.hpp"

namespace assay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace testing_support;

/// What workers, one after the other or several, leave for the test to see.
struct Shared {
  static constexpr size_t kTriesMax = 128;
  std::atomic<size_t> played{0};
  std::array<std::atomic<pid_t>, kTriesMax> by{};
};

Shared& shared() {
  static auto* const kMade = [] {
    void* const at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? nullptr : new (at) Shared;
  }();
  return *kMade;
}

/// How often it was begun before this time.
size_t count_try() {
  const size_t number = shared().played++;
  shared().by.at(number) = ::getpid();
  return number;
}

void fails_always(CaseContext& c) {
  count_try();
  fails(c);
}
void fails_once(CaseContext& c) {
  if (count_try() == 0) {
    fails(c);
  } else {
    passes(c);
  }
}
void crashes_once(CaseContext& c) {
  if (count_try() == 0) {
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
  }
  passes(c);
}
void fails_then_is_interrupted(CaseContext& c) {
  if (count_try() == 0) {
    fails(c);
    return;
  }
  ::kill(::getppid(), SIGINT);
  for (;;) ::pause();
}
void is_broken(CaseContext&) {
  count_try();
  throw HarnessFault("x");
}

class RepeatedFailures : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "assay-repeats-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    request_.run = {"fake", "tools/assay grade --target fake", 7};
    request_.out = name;
    request_.options.repeat.more = 2;
    shared().played = 0;
    for (auto& pid : shared().by) pid = 0;
  }
  void TearDown() override { std::filesystem::remove_all(request_.out); }

  /// Between two good ones.
  Graded go(void (*body)(CaseContext&), std::string_view expectations = "[]",
            const TargetFactory& make = make_unsteady_fake) {
    return go({variant_of("a.first", passes), variant_of("a.second", body), variant_of("a.third", passes)},
              expectations, make);
  }
  Graded go(std::vector<Variant> variants, std::string_view expectations = "[]",
            const TargetFactory& make = make_unsteady_fake) {
    request_.expectations = Expectations(YamlInput("known.yaml", expectations), variants);
    request_.variants = std::move(variants);
    RunObserver nobody;
    Graded graded = grade(make, request_, nobody);
    results_ = from_json(read_file(request_.out / "results.json"));
    return graded;
  }
  [[nodiscard]] const ReportedCase& second() const { return results_.cases.at(1); }
  [[nodiscard]] std::string evidence() const { return read_file(request_.out / second().evidence); }

  GradeRequest request_;
  Results results_;
};

TEST_F(RepeatedFailures, FailsOnce_IsInconclusive_AndKeepsWhatTheFailureLeft) {
  const Graded graded = go(fails_once);
  EXPECT_EQ(graded.code, kExitInconclusive);
  EXPECT_EQ(shared().played, 3u);
  EXPECT_EQ(second().verdict, Verdict::kInconclusive);
  EXPECT_FALSE(second().expected);
  EXPECT_EQ(second().message, "fails 1 of 3 times: result: expected 0, got -EINVAL (-22)");
  EXPECT_EQ(second().tries.played, 3u);
  EXPECT_EQ(second().tries.failed, 1u);
  EXPECT_FALSE(second().steps.empty());
  EXPECT_THAT(evidence(), HasSubstr("registers of the fake"));
  EXPECT_THAT(evidence(), HasSubstr("try 2: pass\ntry 3: pass"));
}

TEST_F(RepeatedFailures, FailsOnce_IsInTheSummary_AndInAllFiles) {
  const Graded graded = go(fails_once);
  EXPECT_THAT(graded.text, HasSubstr("\ndoes not repeat: 1 case (a.second)\n"));
  EXPECT_THAT(graded.text, HasSubstr("1 unexpected"));
  for (const char* const file : {"results.json", "junit.xml", "index.html"}) {
    EXPECT_THAT(read_file(request_.out / file), HasSubstr("fails 1 of 3 times")) << file;
  }
}

TEST_F(RepeatedFailures, FailsAlways_StaysAFailure_AndSaysHowOften) {
  const Graded graded = go(fails_always);
  EXPECT_EQ(graded.code, kExitUnexpected);
  EXPECT_EQ(second().verdict, Verdict::kFail);
  EXPECT_THAT(second().message, HasSubstr("fails 3 of 3 times: "));
  EXPECT_THAT(graded.text, Not(HasSubstr("does not repeat")));
}

TEST_F(RepeatedFailures, EachTryIsAFreshStart_AndTheRunGoesOn) {
  go(fails_always);
  std::set<pid_t> workers;
  for (size_t i = 0; i < 3; ++i) workers.insert(shared().by.at(i));
  EXPECT_EQ(workers.size(), 3u);
  EXPECT_EQ(results_.cases.size(), 3u);
  EXPECT_EQ(results_.restarts, 0u) << "nobody died";
}

TEST_F(RepeatedFailures, CrashesOnce_IsInconclusive) {
  const Graded graded = go(crashes_once);
  EXPECT_EQ(graded.code, kExitInconclusive);
  EXPECT_EQ(second().message, "fails 1 of 3 times: worker killed by SIGSEGV (11)");
  EXPECT_EQ(results_.restarts, 1u);
}

TEST_F(RepeatedFailures, SeveralWorkers_PlayEachAgain) {
  request_.options.jobs = 3;
  go({variant_of("a.a", fails_always), variant_of("a.b", fails_always), variant_of("a.c", fails_always)});
  EXPECT_EQ(shared().played, 9u);
  for (const ReportedCase& reported : results_.cases) EXPECT_THAT(reported.message, HasSubstr("fails 3 of 3 times"));
}

TEST_F(RepeatedFailures, NoneAsked_NothingIsPlayedAgain) {
  request_.options.repeat.more = 0;
  EXPECT_EQ(go(fails_once).code, kExitUnexpected);
  EXPECT_EQ(shared().played, 1u);
  EXPECT_EQ(second().message, "result: expected 0, got -EINVAL (-22)");
}

TEST_F(RepeatedFailures, TargetThatRepeatsItself_PlaysNothingAgain) {
  EXPECT_EQ(go(fails_once, "[]", make_fake).code, kExitUnexpected);
  EXPECT_EQ(shared().played, 1u);
}

TEST_F(RepeatedFailures, KnownFailures_StayAsTheyAre) {
  EXPECT_EQ(go(fails_once, "- case: a.second\n  reason: r\n  link: l\n").code, kExitExpected);
  EXPECT_EQ(shared().played, 1u);
}

TEST_F(RepeatedFailures, HarnessErrors_AreNotTheSubjects) {
  EXPECT_EQ(go(is_broken).code, kExitHarness);
  EXPECT_EQ(shared().played, 1u);
}

TEST_F(RepeatedFailures, ChanceThatCannotBeSteered_ExcusesNone) {
  const Variant race = variant_of("a.race", fails_once, {Capability::kSteer});
  EXPECT_EQ(go({variant_of("a.first", passes), race}).code, kExitInconclusive);
  EXPECT_FALSE(second().expected);
}

TEST_F(RepeatedFailures, Interrupted_KeepsTheFailure) {
  EXPECT_EQ(go(fails_then_is_interrupted).code, kExitInterrupted);
  ASSERT_EQ(results_.cases.size(), 2u);
  EXPECT_EQ(second().verdict, Verdict::kFail);
  EXPECT_THAT(evidence(), HasSubstr("registers of the fake"));
}

TEST_F(RepeatedFailures, MoreCasesThanTheLimit_AreNotPlayedAgain) {
  std::vector<std::string> slugs;
  for (size_t i = 0; i < RepeatOptions::kCasesMax + 1; ++i) slugs.push_back("a.case_" + std::to_string(100 + i));
  std::vector<Variant> variants;
  for (const std::string& slug : slugs) variants.push_back(variant_of(slug, fails_always));
  request_.options.repeat.more = 1;
  go(variants);
  EXPECT_EQ(shared().played, 2 * RepeatOptions::kCasesMax + 1);
  EXPECT_THAT(results_.cases.at(RepeatOptions::kCasesMax - 1).message, HasSubstr("fails 2 of 2 times"));
  EXPECT_THAT(results_.cases.back().message, Not(HasSubstr("times")));
}

CaseResult result_of(Verdict verdict) {
  CaseResult made;
  made.verdict = verdict;
  made.message = "m";
  return made;
}

TEST(Repeats, AnnouncedVerdictAfterAnother_IsNoFailure) {
  Repeats repeats({1, [](size_t, Verdict verdict) { return verdict == Verdict::kFail; }});
  EXPECT_FALSE(repeats.add({}, 0, result_of(Verdict::kCrash)));
  const auto all = repeats.add({}, 0, result_of(Verdict::kFail));
  ASSERT_TRUE(all);
  EXPECT_EQ(all->verdict, Verdict::kInconclusive);
  EXPECT_THAT(all->notes, ElementsAre("try 2: fail: m"));
}

TEST(Repeats, CutShort_GiveWhatIsKnown) {
  Repeats repeats({2, {}});
  EXPECT_FALSE(repeats.add({}, 4, result_of(Verdict::kTimeout)));
  EXPECT_FALSE(repeats.add({}, 4, result_of(Verdict::kPass)));
  const auto known = repeats.rest();
  ASSERT_EQ(known.size(), 1u);
  EXPECT_EQ(known[0].first, 4u);
  EXPECT_EQ(known[0].second.message, "fails 1 of 2 times: m");
  EXPECT_TRUE(repeats.rest().empty());
}

}  // namespace
}  // namespace assay
