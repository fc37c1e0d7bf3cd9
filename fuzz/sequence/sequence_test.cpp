#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "fuzz/sequence/families.hpp"
#include "fuzz/sequence/play.hpp"
#include "fuzz/sequence/property_check.hpp"
#include "fuzz/sequence/shrink.hpp"
#include "fuzz/sequence/tasks.hpp"

namespace assay::fuzz {
namespace {

using ::testing::HasSubstr;

TEST(Sequence, Text_ComesBackTheSame_ForEveryFamily) {
  for (const Family* const family : families()) {
    const Sequence sequence = generate(*family, 7, 200);
    EXPECT_EQ(sequence_from_text(*family, to_text(*family, sequence)), sequence) << family->name;
    EXPECT_EQ(sequence_from_bytes(*family, to_bytes(sequence)), sequence) << family->name;
  }
}

TEST(Sequence, EveryByteString_IsOne) {
  const Family& family = events_family();
  const Sequence sequence = sequence_from_bytes(family, std::string(27, '\xff'));
  ASSERT_EQ(sequence.size(), 3u);
  for (const Operation& operation : sequence) {
    EXPECT_LT(operation.kind, family.kinds.size());
    EXPECT_LT(operation.actor, family.actors);
  }
}

std::string refusal(std::string_view text) {
  try {
    static_cast<void>(task_from_text(text));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Sequence, TextThatIsNone_IsRefused_WithWhatAndWhere) {
  EXPECT_THAT(refusal("events@pv64: send@0(1) sned@0(1)"), HasSubstr("operation 2, \"sned@0(1)\""));
  EXPECT_THAT(refusal("events@pv64: send@9(1)"), HasSubstr("actor"));
  EXPECT_THAT(refusal("events@pv64: send@0(70000)"), HasSubstr("65535"));
  EXPECT_THAT(refusal("events@pv64: send@0(1"), HasSubstr("comma"));
  EXPECT_THAT(refusal("events@pv64: send@0(1,2,3,4)"), HasSubstr("too many"));
  EXPECT_THAT(refusal("events@pv64: send@0(1)x"), HasSubstr("follows"));
  EXPECT_THAT(refusal("events@arm: send@0(1)"), HasSubstr("type of guest"));
  EXPECT_THAT(refusal("evnts@pv64: send@0(1)"), HasSubstr("no family"));
  EXPECT_THAT(refusal("events"), HasSubstr("FAMILY@GUEST"));
}

TEST(Generate, Seed_DecidesAll) {
  const Family& family = events_family();
  EXPECT_EQ(generate(family, 1, 100), generate(family, 1, 100));
  EXPECT_NE(generate(family, 1, 100), generate(family, 2, 100));
}

TEST(Generate, Tasks_DoNotDependOnTheirNumber) {
  PropertyPlan plan{.families = {&events_family()}, .seed = 5, .sequences = 3, .length = 10};
  const auto three = tasks_of(plan);
  plan.sequences = 2;
  const auto two = tasks_of(plan);
  ASSERT_EQ(three.size(), 6u);
  ASSERT_EQ(two.size(), 4u);
  for (size_t i = 0; i < two.size(); ++i) EXPECT_EQ(two[i].sequence, three[i].sequence);
}

size_t first_with(const std::vector<Sequence>& tried, const std::function<bool(const Sequence&)>& fails) {
  return static_cast<size_t>(std::ranges::find_if(tried, fails) - tried.begin());
}

TEST(Shrink, LeavesWhatTheFailureNeeds_AndTheSimplestChoices) {
  const Sequence failing = generate(events_family(), 3, 500);
  const auto fails = [](const Sequence& sequence) {
    const auto is_wanted = [](const Operation& operation) { return operation.kind == 5 && operation.arg[0] >= 10; };
    return std::ranges::count_if(sequence, is_wanted) >= 2;
  };
  ASSERT_TRUE(fails(failing));
  const auto first_failing = [&](const std::vector<Sequence>& tried) { return first_with(tried, fails); };
  const Shrunk shrunk = shrink(failing, 64, first_failing, [] { return true; });
  EXPECT_TRUE(shrunk.is_minimal);
  const Operation expected{.kind = 5, .actor = 0, .arg = {10, 0, 0}};
  EXPECT_EQ(shrunk.sequence, (Sequence{expected, expected}));
}

TEST(Shrink, StopsWhenTimeIsUp_WithWhatFailsStill) {
  const Sequence failing = generate(events_family(), 3, 50);
  const auto first_failing = [](const std::vector<Sequence>& tried) { return tried.size(); };
  int left = 3;
  const Shrunk shrunk = shrink(failing, 8, first_failing, [&] { return left-- > 0; });
  EXPECT_FALSE(shrunk.is_minimal);
  EXPECT_EQ(shrunk.sequence, failing);
  EXPECT_GT(shrunk.tried, 0u);
  EXPECT_LE(shrunk.tried, 24u);
}

TEST(Journal, KeepsTheFirstDisagreement_AndItsCode) {
  Journal journal(Keep::kCode);
  journal.answered(int64_t{-22}, int64_t{-22}, [] { return std::string("one()"); });
  journal.seen(1, 0, [] { return std::string("two()"); });
  journal.seen(1, 0, [] { return std::string("three()"); });
  EXPECT_EQ(journal.failure(), "two(): expected 0, got 1");
  EXPECT_THAT(journal.code(),
              ::testing::ElementsAre("c.check_eq(one(), -XEN_EINVAL, \"one()\");", "c.check_eq(two(), 0, \"two()\");"));
}

}  // namespace
}  // namespace assay::fuzz
