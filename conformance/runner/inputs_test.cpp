#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conformance/runner/expectations.hpp"
#include "conformance/runner/requirements.hpp"
#include "conformance/runner/testing/fake_target.hpp"
#include "sim/input/input_error.hpp"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace testing_support;

std::vector<Variant> some_variants() {
  CaseSpec both{.slug = "evtchn.send.unbound", .rule = "r", .source = "s", .requirements = {"EVTCHN-SEND-002"}};
  CaseSpec alone{.slug = "version.number", .rule = "r", .source = "s", .requirements = {"VER-001"}};
  alone.guests = GuestTypes::kDom0;
  return variants_of({{both, "a.cpp", 1}, {alone, "b.cpp", 1}});
}

template <typename Callable>
std::string complaint(Callable callable) {
  try {
    callable();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no complaint";
}

std::string expectation_complaint(std::string_view text) {
  return complaint([&] { Expectations(YamlInput("known.yaml", text), some_variants()); });
}

std::string requirement_complaint(std::string_view text) {
  const EmbeddedFile file{"family.yaml", text};
  return complaint([&] { load_requirements({&file, 1}); });
}

TEST(Variants, BothTypes_AreTwoRuns_AndDom0IsOne) {
  const auto variants = some_variants();
  ASSERT_EQ(variants.size(), 3u);
  EXPECT_EQ(variants[0].id, "evtchn.send.unbound@pv64");
  EXPECT_EQ(variants[1].id, "evtchn.send.unbound@pvh");
  EXPECT_EQ(variants[2].id, "version.number");
  EXPECT_THAT(variants[1].needs, ::testing::ElementsAre(Capability::kPvhGuest));
}

TEST(Variants, Selection_IsByPrefix_InCanonicalOrder) {
  EXPECT_EQ(select_variants(some_variants(), {}).size(), 3u);
  const auto chosen = select_variants(some_variants(), {"version", "evtchn.send.unbound@pvh"});
  ASSERT_EQ(chosen.size(), 2u);
  EXPECT_EQ(chosen[0].id, "evtchn.send.unbound@pvh");
}

TEST(Variants, UnknownPrefix_SuggestsWhatIsNear) {
  EXPECT_THAT(complaint([] { select_variants(some_variants(), {"evtchn.sned"}); }),
              AllOf(HasSubstr("evtchn.sned"), HasSubstr("did you mean evtchn.send")));
}

TEST(Expectations, SlugStandsForAllItsVariants) {
  const Expectations known(YamlInput("k", "- case: evtchn.send.unbound\n  reason: r\n  link: l\n"), some_variants());
  EXPECT_TRUE(known.met("evtchn.send.unbound@pv64", Verdict::kFail));
  EXPECT_TRUE(known.met("evtchn.send.unbound@pvh", Verdict::kFail));
  EXPECT_FALSE(known.met("evtchn.send.unbound@pvh", Verdict::kPass));
  EXPECT_FALSE(known.met("evtchn.send.unbound@pvh", Verdict::kCrash));
  EXPECT_TRUE(known.met("evtchn.send.unbound@pvh", Verdict::kSkip));
  EXPECT_FALSE(known.met("version.number", Verdict::kFail));
}

TEST(Expectations, EmptyList_IsFine) {
  const Expectations known(YamlInput("k", "[]\n"), some_variants());
  EXPECT_TRUE(known.met("version.number", Verdict::kPass));
}

TEST(Expectations, UnknownCase_SaysWhereAndWhatMayBeMeant) {
  EXPECT_THAT(expectation_complaint("- case: version.nubmer\n  reason: r\n  link: l\n"),
              AllOf(StartsWith("known.yaml:1:9: "), HasSubstr("version.number")));
}

TEST(Expectations, BadFiles_SayWhere) {
  EXPECT_THAT(expectation_complaint("- case: version.number\n  reason: [\n"), StartsWith("known.yaml:3:1: "));
  EXPECT_THAT(expectation_complaint("case: version.number\n"), StartsWith("known.yaml:1:1: "));
  EXPECT_THAT(expectation_complaint("- case: version.number\n  link: l\n"), HasSubstr("lacks 'reason'"));
  EXPECT_THAT(expectation_complaint("- case: version.number\n  reason: r\n"), HasSubstr("lacks 'link'"));
  EXPECT_THAT(expectation_complaint("- case: version.number\n  reason: ''\n  link: l\n"),
              StartsWith("known.yaml:2:11: "));
  EXPECT_THAT(expectation_complaint("- case: version.number\n  because: r\n"),
              AllOf(StartsWith("known.yaml:2:3: "), HasSubstr("unknown key 'because'")));
  EXPECT_THAT(expectation_complaint("- case: version.number\n  verdict: pass\n  reason: r\n  link: l\n"),
              StartsWith("known.yaml:2:12: "));
  EXPECT_THAT(expectation_complaint("- case: version.number\n  reason: r\n  link: l\n"
                                    "- case: version.number\n  reason: r\n  link: l\n"),
              AllOf(StartsWith("known.yaml:4:9: "), HasSubstr("announced already")));
}

TEST(Expectations, MissingFile_SaysSo) {
  EXPECT_THAT(complaint([] { YamlInput::from_file("no/such/file.yaml"); }), StartsWith("no/such/file.yaml: "));
}

constexpr std::string_view kGood =
    "- id: FAM-001\n  hypercall: h\n  level: must\n  text: t\n  source: s\n  guests: [pv64]\n  status: read\n";

TEST(Requirements, GoodFile_IsRead) {
  const EmbeddedFile file{"family.yaml", kGood};
  const auto read = load_requirements({&file, 1});
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].id, "FAM-001");
  EXPECT_EQ(read[0].place, "family.yaml:1:3");
}

TEST(Requirements, BadFiles_SayWhere) {
  EXPECT_THAT(requirement_complaint(std::string(kGood) + std::string(kGood)),
              AllOf(StartsWith("family.yaml:8:7: "), HasSubstr("FAM-001 is defined already, at family.yaml:1:3")));
  EXPECT_THAT(requirement_complaint("- id: fam 1\n"), StartsWith("family.yaml:1:7: "));
  std::string wrong(kGood);
  wrong.replace(wrong.find("must"), 4, "ougt");
  EXPECT_THAT(requirement_complaint(wrong), StartsWith("family.yaml:3:10: "));
  std::string corrected(kGood);
  corrected.replace(corrected.find("status: read"), 12, "status: corrected");
  EXPECT_THAT(requirement_complaint(corrected), HasSubstr("say what was observed"));
}

}  // namespace
}  // namespace assay
