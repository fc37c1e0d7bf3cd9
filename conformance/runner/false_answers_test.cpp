#include "conformance/runner/false_answers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conformance/runner/testing/fake_target.hpp"
#include "sim/abi/xen.hpp"

namespace assay {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace testing_support;

/// Every hypercall returns its second argument, or 0 when it is not carried out; memory reads as zeros.
class EchoPort final : public GuestPort {
 public:
  void start(const GuestRequest& request) override { request_ = request; }
  bool await(GuestReply& reply, uint64_t) override {
    reply = GuestReply{};
    if (request_.op == ASSAY_OP_HYPERCALL) reply.value[0] = request_.arg[2];
    for (std::byte& byte : request_.out) byte = std::byte{0};
    return true;
  }

 private:
  GuestRequest request_;
};

class EchoTarget final : public FakeTarget {
 public:
  EchoTarget() { dom0_.add_vcpu(std::make_unique<EchoPort>()); }
  Domain& dom0() override { return dom0_; }

 private:
  Domain dom0_{DomId{0}, GuestType::kPv64, GuestSpace{}};
};

int64_t echo(CaseContext& c, uint64_t value) {
  return c.dom0().vcpu(0).hypercall(__HYPERVISOR_xen_version, {0, value});
}

CaseResult tried(void (*body)(CaseContext&)) {
  EchoTarget target;
  return try_false_answers(target, variant_of("a.case", body), 1);
}

TEST(FalseAnswers, CheckedResult_IsNoticed_NotDoneAndWrong) {
  const CaseResult result = tried([](CaseContext& c) { c.check_eq(echo(c, 7), 7, "result"); });
  EXPECT_EQ(result.verdict, Verdict::kPass);
  const auto tally = tally_of(result);
  ASSERT_TRUE(tally);
  EXPECT_EQ(tally->tried, 2u);
  EXPECT_EQ(tally->noticed, 2u);
  EXPECT_TRUE(tally->unnoticed.empty());
}

TEST(FalseAnswers, ResultThatNobodyLooksAt_IsNamed) {
  const CaseResult result = tried([](CaseContext& c) {
    echo(c, 1);
    c.check_eq(echo(c, 0), 0, "result");
  });
  const auto tally = tally_of(result);
  ASSERT_TRUE(tally);
  // Not done answers 0, which is what the second call returns anyway.
  EXPECT_THAT(tally->unnoticed,
              ElementsAre(HasSubstr("0: d0v0 XENVER_version not done"), HasSubstr("1: d0v0 XENVER_version not done"),
                          HasSubstr("0: d0v0 XENVER_version wrong")));
  EXPECT_EQ(tally->noticed, 1u);
}

TEST(FalseAnswers, MemoryThatIsRead_IsWrong_NeverNotDone) {
  const CaseResult result =
      tried([](CaseContext& c) { c.check_eq(c.dom0().vcpu(0).read<uint32_t>(Gva{0x1000}), 0u, "memory"); });
  EXPECT_EQ(tally_of(result)->tried, 1u);
  EXPECT_EQ(tally_of(result)->noticed, 1u);
}

TEST(FalseAnswers, CaseThatChecksNothingOfTheSubject_FailsTheCheck) {
  const CaseResult result = tried([](CaseContext& c) {
    echo(c, 3);
    c.check(true, "nothing");
  });
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_EQ(tally_of(result)->noticed, 0u);
}

TEST(FalseAnswers, CaseThatWaitsForEver_Ends) {
  const CaseResult result = tried([](CaseContext& c) {
    while (echo(c, 5) != 5) {
      while (echo(c, 6) != 7) continue;
    }
    c.check(true, "came");
  });
  EXPECT_EQ(tally_of(result)->upset, 2u);
}

TEST(FalseAnswers, CaseThatFailsUndisturbed_HasNoTally) {
  const CaseResult result = tried(fails);
  EXPECT_EQ(result.verdict, Verdict::kFail);
  EXPECT_FALSE(tally_of(result));
}

}  // namespace
}  // namespace assay
