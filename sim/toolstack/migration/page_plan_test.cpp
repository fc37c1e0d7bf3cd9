#include "sim/toolstack/migration/page_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/base/strong.hpp"
#include "sim/toolstack/migration/stream_error.hpp"

namespace assay::migration {
namespace {

using ::testing::ElementsAre;

PageData record(std::vector<PageEntry> pages) {
  uint64_t content = 0;
  for (const PageEntry& page : pages) content += has_content(page.type) ? kPageSize : 0;
  return {std::move(pages), Bytes(content)};
}

/// After Xen's e8e9f830dc: a pfn that a batch has twice was populated twice.
TEST(PagePlan, RepeatedPfn_IsPopulatedOnceAndWrittenInOrder) {
  PagePlan plan(16);
  const auto batch = plan.admit(record({{5}, {7}, {5}}));
  EXPECT_THAT(batch.populate, ElementsAre(5, 7));
  EXPECT_THAT(batch.content, ElementsAre(5, 7, 5));
  const auto again = plan.admit(record({{7}, {8}}));
  EXPECT_THAT(again.populate, ElementsAre(8));
}

/// After Xen's 035a72faf2: pages without content must not shift those behind them.
TEST(PagePlan, Holes_DoNotShiftWhatFollows) {
  for (const PageType hole : {PageType::kInvalid, PageType::kAllocateOnly}) {
    PagePlan plan(16);
    const auto batch = plan.admit(record({{1, hole}, {2}, {3, hole}, {4, hole}, {5}, {6, PageType::kL1}, {9, hole}}));
    EXPECT_THAT(batch.content, ElementsAre(2, 5, 6));
  }
}

TEST(PagePlan, Types_DecideWhatIsPopulated) {
  PagePlan plan(8);
  const auto batch =
      plan.admit(record({{1, PageType::kAllocateOnly}, {2, PageType::kInvalid}, {3, PageType::kL4Pinned}}));
  EXPECT_THAT(batch.populate, ElementsAre(1, 3));
  EXPECT_EQ(plan.type(3), PageType::kL4Pinned);
  EXPECT_EQ(plan.type(2), PageType::kInvalid);
  EXPECT_TRUE(plan.is_populated(1));
  EXPECT_FALSE(plan.is_populated(2));
  EXPECT_FALSE(plan.is_populated(8));
}

TEST(PagePlan, RefusedRecord_LeavesNothing) {
  PagePlan plan(8);
  EXPECT_THROW(plan.admit(record({{1}, {8}})), RecordFault);
  EXPECT_THROW(plan.admit(record({{1}, {2, PageType::kBroken}})), RecordFault);
  EXPECT_FALSE(plan.is_populated(1));
}

}  // namespace
}  // namespace assay::migration
