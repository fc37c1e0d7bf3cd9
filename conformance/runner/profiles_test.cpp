#include "conformance/runner/profiles.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "conformance/runner/testing/fake_target.hpp"
#include "sim/input/input_error.hpp"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;
using namespace testing_support;

std::vector<Variant> some_variants() {
  CaseSpec send{.slug = "evtchn.send.unbound", .rule = "r", .source = "s", .requirements = {"EVTCHN-SEND-002"}};
  CaseSpec pair{.slug = "evtchn.send.pair", .rule = "r", .source = "s", .requirements = {"EVTCHN-SEND-001"}};
  pair.needs = {Capability::kTwoGuests};
  CaseSpec alone{.slug = "version.number", .rule = "r", .source = "s", .requirements = {"VER-001"}};
  alone.guests = GuestTypes::kDom0;
  return variants_of({{pair, "a.cpp", 1}, {send, "a.cpp", 2}, {alone, "b.cpp", 1}});
}

std::vector<Profile> load(std::string_view text) {
  return load_profiles({YamlInput("p.yaml", text)}, some_variants());
}

std::string complaint(std::string_view text) {
  try {
    load(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no complaint";
}

TEST(Profiles, CasesNeedNoMoreThanTheProfileHas) {
  const auto read = load(
      "- id: pv\n  title: t\n  capabilities: [pv64]\n"
      "- id: pairs\n  title: t\n  capabilities: [pv64, two_domains]\n");
  EXPECT_THAT(read[0].cases, ElementsAre("evtchn.send.unbound@pv64"));
  EXPECT_THAT(read[1].cases, ElementsAre("evtchn.send.pair@pv64", "evtchn.send.unbound@pv64"));
}

TEST(Profiles, PrefixesNarrow_ByRequirementOrCase) {
  const auto read = load(
      "- id: a\n  title: t\n  capabilities: [pv64, pvh, dom0]\n  requirements: [VER-]\n"
      "- id: b\n  title: t\n  capabilities: [pv64, pvh, dom0]\n  cases: [evtchn.send.unbound@pvh]\n");
  EXPECT_THAT(read[0].cases, ElementsAre("version.number"));
  EXPECT_THAT(read[1].cases, ElementsAre("evtchn.send.unbound@pvh"));
}

TEST(Profiles, Inclusion_BringsCasesAndCapabilities_InAnyOrder) {
  const auto read = load(
      "- id: all\n  title: t\n  includes: [pv, first]\n  capabilities: [two_domains]\n"
      "- id: pv\n  title: t\n  capabilities: [pv64]\n"
      "- id: first\n  title: t\n  capabilities: [dom0]\n  cases: [version]\n");
  EXPECT_EQ(read[0].id, "all");
  EXPECT_THAT(read[0].cases,
              UnorderedElementsAre("evtchn.send.unbound@pv64", "evtchn.send.pair@pv64", "version.number"));
  EXPECT_TRUE(read[0].capabilities.contains(Capability::kDom0));
}

TEST(Profiles, BadFiles_SayWhere) {
  EXPECT_THAT(complaint("- id: A b\n  title: t\n"), StartsWith("p.yaml:1:7: "));
  EXPECT_THAT(complaint("- id: a\n"), HasSubstr("lacks 'title'"));
  EXPECT_THAT(complaint("- id: a\n  title: t\n  need: [x]\n"),
              AllOf(StartsWith("p.yaml:3:3: "), HasSubstr("unknown key")));
  EXPECT_THAT(complaint("- id: a\n  title: t\n  capabilities: [pv64, pv65]\n"),
              AllOf(StartsWith("p.yaml:3:24: "), HasSubstr("no such capability: pv65")));
  EXPECT_THAT(complaint("- id: a\n  title: t\n  capabilities: [dom0]\n  requirements: [VRE-]\n"),
              AllOf(StartsWith("p.yaml:4:18: "), HasSubstr("no requirement begins with VRE-")));
  EXPECT_THAT(complaint("- id: a\n  title: t\n  cases: [evtchn.sned]\n"),
              AllOf(StartsWith("p.yaml:3:11: "), HasSubstr("did you mean evtchn.send")));
  EXPECT_THAT(complaint("- id: a\n  title: t\n  capabilities: [pv64]\n- id: a\n  title: t\n"),
              AllOf(StartsWith("p.yaml:4:7: "), HasSubstr("defined already, at p.yaml:1:3")));
  EXPECT_THAT(complaint("- id: a\n  title: t\n  capabilities: [steer]\n"), HasSubstr("no case belongs to profile a"));
}

TEST(Profiles, UnknownAndCircularInclusions_SayWhere) {
  EXPECT_THAT(
      complaint("- id: pvh-guest\n  title: t\n  capabilities: [pvh]\n- id: b\n  title: t\n  includes: [phv-guest]\n"),
      AllOf(StartsWith("p.yaml:6:14: "), HasSubstr("did you mean pvh-guest")));
  EXPECT_THAT(complaint("- id: a\n  title: t\n  includes: [b]\n- id: b\n  title: t\n  includes: [c]\n"
                        "- id: c\n  title: t\n  includes: [b]\n"),
              AllOf(StartsWith("p.yaml:9:14: "), HasSubstr("circle: b -> c -> b")));
  EXPECT_THAT(complaint("- id: a\n  title: t\n  includes: [a]\n"), HasSubstr("circle: a -> a"));
}

Claims some_claims() {
  return {load("- id: pv\n  title: t\n  capabilities: [pv64, two_domains]\n- id: all\n  title: t\n"
               "  includes: [pv]\n  capabilities: [pvh, dom0]\n"),
          {"pv"}};
}

ReportedCase reported(const std::string& id, Verdict verdict) {
  ReportedCase made;
  made.id = id;
  made.verdict = verdict;
  return made;
}

TEST(Claims, HoldForTheCasesOfClaimedProfiles) {
  const Claims claims = some_claims();
  ASSERT_NE(claims.claimed_for("evtchn.send.pair@pv64"), nullptr);
  EXPECT_EQ(claims.claimed_for("evtchn.send.pair@pv64")->id, "pv");
  EXPECT_EQ(claims.claimed_for("evtchn.send.pair@pvh"), nullptr);
  EXPECT_EQ(claimed_variants(claims, some_variants()).size(), 2u);
}

TEST(Claims, VerdictIsOneLine) {
  const auto lines = [](const std::vector<ReportedCase>& cases) {
    std::vector<std::string> all;
    for (const ReportedProfile& profile : judge(some_claims(), cases)) all.push_back(to_line(profile));
    return all;
  };
  const ReportedCase good = reported("evtchn.send.unbound@pv64", Verdict::kPass);
  EXPECT_THAT(
      lines({good, reported("evtchn.send.pair@pv64", Verdict::kPass)}),
      ElementsAre("pv (claimed): conforms; 2 of 2 cases pass", "all: incomplete; 2 of 5 cases pass, 3 not run"));
  EXPECT_THAT(lines({good, reported("evtchn.send.pair@pv64", Verdict::kSkip)})[0],
              "pv (claimed): fails; 1 of 2 cases pass, 1 skipped");
  EXPECT_THAT(lines({good, reported("evtchn.send.pair@pvh", Verdict::kSkip)})[1],
              "all: incomplete; 1 of 5 cases pass, 1 skipped, 3 not run");
  EXPECT_THAT(lines({good, reported("evtchn.send.pair@pv64", Verdict::kInconclusive)})[0],
              "pv (claimed): incomplete; 1 of 2 cases pass, 1 inconclusive");
  EXPECT_THAT(lines({good, reported("evtchn.send.pair@pv64", Verdict::kCrash)})[0],
              "pv (claimed): fails; 1 of 2 cases pass, 1 fail");
}

}  // namespace
}  // namespace assay
