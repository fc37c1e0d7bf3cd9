#include "conformance/runner/grade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <pugixml.hpp>

#include "conformance/runner/testing/fake_target.hpp"
#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;
using namespace testing_support;

class Grade : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "assay-grade-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    request_.run = {"fake", "tools/assay grade --target fake", 7};
    request_.options.seed = 7;
    request_.out = folder_ / "out";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Graded go(std::vector<Variant> variants, std::string_view expectations = "[]") {
    request_.expectations = Expectations(YamlInput("known.yaml", expectations), variants);
    request_.variants = std::move(variants);
    RunObserver nobody;
    return grade(make_fake, request_, nobody);
  }
  [[nodiscard]] Results written() const { return from_json(read_file(request_.out / "results.json")); }

  std::filesystem::path folder_;
  GradeRequest request_;
};

constexpr const char* kLine = "tools/assay grade --target fake --select a.bad --seed 7";

void interrupts(CaseContext&) {
  ::kill(::getppid(), SIGINT);
  for (;;) ::pause();
}

TEST_F(Grade, AllPass_IsZero) {
  const Graded graded = go({variant_of("a.good", passes)});
  EXPECT_EQ(graded.code, kExitExpected);
  EXPECT_THAT(graded.text, HasSubstr("nothing unexpected"));
  EXPECT_FALSE(std::filesystem::exists(request_.out / ".assay-probe"));
}

TEST_F(Grade, Failure_IsOne_AndTheLineThatReproducesItIsEverywhere) {
  const Graded graded = go({variant_of("a.bad", fails), variant_of("a.good", passes)});
  EXPECT_EQ(graded.code, kExitUnexpected);
  EXPECT_THAT(graded.text, HasSubstr(kLine));
  EXPECT_THAT(read_file(request_.out / "results.json"), HasSubstr(kLine));
  EXPECT_THAT(read_file(request_.out / "index.html"), HasSubstr(kLine));
  pugi::xml_document junit;
  ASSERT_TRUE(junit.load_file((request_.out / "junit.xml").c_str()));
  const auto failure = junit.select_node("//testcase[@name='a.bad']/failure").node();
  EXPECT_THAT(failure.text().get(), HasSubstr(kLine));
  EXPECT_THAT(read_file(request_.out / written().cases[0].evidence), HasSubstr("registers of the fake"));
}

TEST_F(Grade, AnnouncedFailure_IsZero_AndItsPassIsOne) {
  constexpr std::string_view kKnown = "- case: a.bad\n  reason: r\n  link: l\n";
  EXPECT_EQ(go({variant_of("a.bad", fails), variant_of("a.good", passes)}, kKnown).code, kExitExpected);
  EXPECT_EQ(summarise(written()).expected_fail, 1u);
  const Graded graded = go({variant_of("a.bad", passes)}, kKnown);
  EXPECT_EQ(graded.code, kExitUnexpected);
  EXPECT_THAT(graded.text, HasSubstr("unexpected pass"));
  EXPECT_EQ(summarise(written()).unexpected_pass, 1u);
}

TEST_F(Grade, InconclusiveIsTwo_AndSoIsNothingRan) {
  EXPECT_EQ(go({variant_of("a.a", [](CaseContext& c) { c.inconclusive("no"); }), variant_of("a.b", passes)}).code,
            kExitInconclusive);
  EXPECT_EQ(go({variant_of("a.a", passes, {Capability::kConsoleText})}).code, kExitInconclusive);
}

Profile profile_of(std::string id, std::set<std::string> cases) {
  return {std::move(id), "a profile", {}, {}, std::move(cases), "p.yaml:1:1"};
}

TEST_F(Grade, SkipOfWhatIsClaimed_IsOne_AndEveryReportSaysSo) {
  request_.claims = {{profile_of("pv64-guest", {"a.a", "a.b"})}, {"pv64-guest"}};
  request_.run.options = {"--profile", "pv64-guest"};
  const std::vector<Variant> variants{variant_of("a.a", passes, {Capability::kConsoleText}), variant_of("a.b", passes)};
  const Graded graded = go(variants);
  EXPECT_EQ(graded.code, kExitUnexpected);
  EXPECT_THAT(graded.text, HasSubstr("profile pv64-guest is claimed, but this case of it was skipped"));
  EXPECT_THAT(graded.text, HasSubstr("profile pv64-guest (claimed): fails; 1 of 2 cases pass, 1 skipped"));
  EXPECT_THAT(graded.text, HasSubstr("--select a.a --seed 7 --profile pv64-guest"));
  EXPECT_THAT(read_file(request_.out / "index.html"), HasSubstr("pv64-guest (claimed): fails"));
  pugi::xml_document junit;
  ASSERT_TRUE(junit.load_file((request_.out / "junit.xml").c_str()));
  EXPECT_TRUE(junit.select_node("//testcase[@name='a.a']/failure[@type='skip']"));
  request_.claims.claimed.clear();
  EXPECT_EQ(go(variants).code, kExitExpected);
  EXPECT_EQ(written().profiles.at(0).verdict, "incomplete");
}

TEST_F(Grade, CaseLimit_IsInTheLineThatReproduces_AndDigestsAreKept) {
  request_.run.options = {"--case-limit", "5"};
  const Graded graded = go({variant_of("a.bad", fails)});
  EXPECT_THAT(graded.text, HasSubstr(std::string(kLine) + " --case-limit 5"));
  EXPECT_EQ(written().cases[0].digest.size(), 18u);
}

TEST_F(Grade, InterruptionBeforeTheFirstResult_WritesNothing_AndTakesNothingAway) {
  go({variant_of("a.bad", fails)});
  const std::string earlier = read_file(request_.out / "results.json");
  request_.variants = {variant_of("a.bad", fails)};
  RunObserver nobody;
  const Graded graded = grade(
      []() -> std::unique_ptr<Target> {
        ::kill(::getppid(), SIGINT);
        for (;;) ::pause();
      },
      request_, nobody);
  EXPECT_EQ(graded.code, kExitInterrupted);
  EXPECT_EQ(graded.text, "");
  EXPECT_THAT(graded.diagnostics, HasSubstr("target fake: interrupted before the first result"));
  EXPECT_EQ(read_file(request_.out / "results.json"), earlier);
  EXPECT_TRUE(std::filesystem::exists(request_.out / "evidence" / "a.bad.txt"));
}

TEST_F(Grade, InconclusiveWithoutSteering_IsExpected_AndCounted) {
  const Variant race = variant_of("a.race", passes, {Capability::kSteer});
  const Graded graded = go({variant_of("a.good", passes), race});
  EXPECT_EQ(graded.code, kExitExpected);
  EXPECT_THAT(graded.text, HasSubstr("inconclusive, as expected, 1: the target cannot choose interleavings"));
  EXPECT_THAT(graded.text, HasSubstr("nothing unexpected"));
  for (const ReportedRequirement& requirement : written().requirements) {
    if (requirement.cases.empty()) continue;
    EXPECT_EQ(requirement.verdict, "pass") << "what told something decides";
  }
  EXPECT_EQ(go({race}).code, kExitInconclusive) << "nothing was told";
  EXPECT_EQ(go({variant_of("a.race", fails, {Capability::kSteer})}).code, kExitUnexpected);
}

TEST_F(Grade, HarnessError_IsSeventy) {
  EXPECT_EQ(go({variant_of("a.a", [](CaseContext&) { throw HarnessFault("x"); })}).code, kExitHarness);
}

TEST_F(Grade, Interruption_IsOneHundredThirty_AndResultsAreKept) {
  const Graded graded = go({variant_of("a.a", passes), variant_of("a.b", interrupts), variant_of("a.c", passes)});
  EXPECT_EQ(graded.code, kExitInterrupted);
  const Results results = written();
  EXPECT_TRUE(results.interrupted);
  ASSERT_EQ(results.cases.size(), 1u);
  EXPECT_EQ(results.cases[0].id, "a.a");
}

TEST_F(Grade, UnavailableTarget_IsSixtyNine) {
  request_.variants = {variant_of("a.a", passes)};
  RunObserver nobody;
  const Graded graded =
      grade([]() -> std::unique_ptr<Target> { throw TargetUnavailable("no QEMU"); }, request_, nobody);
  EXPECT_EQ(graded.code, kExitUnavailable);
  EXPECT_THAT(graded.diagnostics, HasSubstr("no QEMU"));
}

TEST_F(Grade, FolderThatCannotBe_IsBadInput) {
  write_file(folder_ / "file", "x");
  request_.out = folder_ / "file" / "out";
  EXPECT_THROW(go({variant_of("a.a", passes)}), InputError);
}

TEST_F(Grade, FullDiskInMidRun_IsSeventy_AndTheSummaryIsStillThere) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{64, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Graded graded = go({variant_of("a.bad", fails)});
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, SIG_DFL);
  EXPECT_EQ(graded.code, kExitHarness);
  EXPECT_THAT(graded.text, HasSubstr(kLine));
  EXPECT_THAT(graded.diagnostics, HasSubstr("cannot write"));
}

TEST_F(Grade, OldEvidence_IsGone) {
  go({variant_of("a.bad", fails)});
  ASSERT_TRUE(std::filesystem::exists(request_.out / "evidence" / "a.bad.txt"));
  go({variant_of("a.bad", passes)});
  EXPECT_FALSE(std::filesystem::exists(request_.out / "evidence" / "a.bad.txt"));
}

TEST(ExitCodes, OfSeveralTargets_TheOneThatSaysMost) {
  EXPECT_EQ(worst(kExitExpected, kExitInconclusive), kExitInconclusive);
  EXPECT_EQ(worst(kExitUnavailable, kExitUnexpected), kExitUnexpected);
  EXPECT_EQ(worst(kExitUnexpected, kExitHarness), kExitHarness);
  EXPECT_EQ(worst(kExitInterrupted, kExitHarness), kExitInterrupted);
}

}  // namespace
}  // namespace assay
