#include "conformance/runner/grade_case.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conformance/runner/testing/fake_target.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;
using namespace testing_support;

CaseResult graded(void (*body)(CaseContext&), std::vector<Capability> needs = {}) {
  FakeTarget target;
  return grade_case(target, variant_of("a.case", body, std::move(needs)), 1);
}

TEST(GradeCase, ChecksThatHold_ArePass) {
  const CaseResult result = graded(passes);
  EXPECT_EQ(result.verdict, Verdict::kPass);
  EXPECT_EQ(result.message, "");
  EXPECT_EQ(result.console, "");
}

TEST(GradeCase, CheckThatFails_IsFail_WithErrnoNameAndEvidence) {
  const CaseResult result = graded(fails);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.message, "result: expected 0, got -EINVAL (-22)");
  EXPECT_THAT(result.console, HasSubstr("of the fake"));
  EXPECT_EQ(result.evidence, "registers of the fake");
}

TEST(GradeCase, FirstFailure_IsTheMessage_AndTheRestGoesOn) {
  const CaseResult result = graded([](CaseContext& c) {
    c.check(false, "first");
    c.check(false, "second");
  });
  EXPECT_THAT(result.message, HasSubstr("first"));
  EXPECT_EQ(result.notes.size(), 2u);
}

TEST(GradeCase, RequirementThatFails_EndsTheCase) {
  const CaseResult result = graded([](CaseContext& c) {
    c.require(false, "first");
    throw std::runtime_error("must not be reached");
  });
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(result.notes.size(), 1u);
}

TEST(GradeCase, NoCheckAtAll_IsError) {
  EXPECT_EQ(graded([](CaseContext&) {}).verdict, Verdict::kError);
}

TEST(GradeCase, MissingCapability_IsSkip_AndTheBodyDoesNotRun) {
  const CaseResult result = graded([](CaseContext&) { throw std::runtime_error("ran"); }, {Capability::kConsoleText});
  EXPECT_EQ(result.verdict, Verdict::kSkip);
  EXPECT_THAT(result.message, HasSubstr(to_string(Capability::kConsoleText)));
}

TEST(GradeCase, WithoutSteering_TheCaseRunsByChance_AndCanOnlyFailOrBeInconclusive) {
  const CaseResult held =
      graded([](CaseContext& c) { c.interleave(100, [&] { c.check(true, "this"); }); }, {Capability::kSteer});
  EXPECT_EQ(held.verdict, Verdict::kInconclusive);
  EXPECT_THAT(held.message, HasSubstr("cannot choose interleavings"));
  const CaseResult broken =
      graded([](CaseContext& c) { c.interleave(100, [&] { c.check(false, "this"); }); }, {Capability::kSteer});
  EXPECT_EQ(broken.verdict, Verdict::kFail);
  EXPECT_EQ(broken.notes.size(), 2u) << "the check, and the round that ended it";
}

TEST(GradeCase, InterleaveWithoutTheNeed_IsError) {
  EXPECT_EQ(graded([](CaseContext& c) { c.interleave(1, [&] { c.check(true, "this"); }); }).verdict, Verdict::kError);
}

TEST(GradeCase, Inconclusive_DoesNotHideAFailure) {
  EXPECT_EQ(graded([](CaseContext& c) { c.inconclusive("the race did not fire"); }).verdict, Verdict::kInconclusive);
  EXPECT_EQ(graded([](CaseContext& c) {
              c.check(false, "this");
              c.inconclusive("the race did not fire");
            }).verdict,
            Verdict::kFail);
}

TEST(GradeCase, Deaths_AreToldApart) {
  const auto panic = graded([](CaseContext&) { throw TargetDied(TargetDied::How::kPanic, "BUG at x"); });
  EXPECT_EQ(panic.verdict, Verdict::kCrash);
  EXPECT_EQ(panic.message, "the subject panicked: BUG at x");
  const auto hang = graded([](CaseContext&) { throw TargetDied(TargetDied::How::kHang, "vcpu 0"); });
  EXPECT_EQ(hang.verdict, Verdict::kTimeout);
  const auto agent = graded([](CaseContext&) { throw TargetDied(TargetDied::How::kDeadAgent, "vcpu 0"); });
  EXPECT_EQ(agent.verdict, Verdict::kCrash);
}

TEST(GradeCase, DeathAfterAFailure_IsTheVerdict_AndTheFailureStaysInTheNotes) {
  const auto result = graded([](CaseContext& c) {
    c.check(false, "this");
    throw TargetDied(TargetDied::How::kPanic, "BUG");
  });
  EXPECT_EQ(result.verdict, Verdict::kCrash);
  EXPECT_THAT(result.notes, ::testing::Contains(HasSubstr("this")));
}

TEST(GradeCase, DomainBuilderFailure_IsTheSubjects) {
  EXPECT_EQ(graded([](CaseContext&) { throw ToolstackError("createdomain: -ENOSYS"); }).verdict, Verdict::kFail);
}

TEST(GradeCase, OtherExceptions_AreTheHarnesss) {
  EXPECT_EQ(graded([](CaseContext&) { throw HarnessFault("x"); }).verdict, Verdict::kError);
  EXPECT_EQ(graded([](CaseContext&) { throw 7; }).verdict, Verdict::kError);
}

TEST(GradeCase, BrokenInvariant_IsFail) {
  const auto result = graded([](CaseContext& c) {
    dynamic_cast<FakeTarget&>(c.target()).set_audit("frame 7: count below zero");
    c.check(true, "this");
  });
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_THAT(result.message, HasSubstr("frame 7"));
}

TEST(GradeCase, PeerWithoutTheNeed_IsError) {
  EXPECT_EQ(graded([](CaseContext& c) { c.peer(); }).verdict, Verdict::kError);
}

}  // namespace
}  // namespace assay
