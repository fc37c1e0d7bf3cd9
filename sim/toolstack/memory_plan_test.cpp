#include "sim/toolstack/memory_plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/toolstack/testing/fake_layout.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {
namespace {

using ::testing::HasSubstr;

std::string error_of(GuestType type, uint64_t pages) {
  try {
    (void)plan_memory(testing::fake_layout(), type, pages);
  } catch (const ToolstackError& error) {
    return error.what();
  }
  return "no error";
}

TEST(MemoryPlan, Pv64_BootElements_AreInTheOrderOfTheAbi) {
  const MemoryPlan plan = plan_memory(testing::fake_layout(), GuestType::kPv64, 1024);
  EXPECT_EQ(plan.p2m.first, plan.pfn(plan.layout.heap_end));
  EXPECT_EQ(plan.start_info.first, plan.p2m.end());
  EXPECT_EQ(plan.page_tables.first, plan.start_info.end());
  EXPECT_EQ(plan.boot_stack.first, plan.page_tables.end());
  EXPECT_EQ(plan.p2m.count, 2u);
  EXPECT_EQ(plan.page_tables.count, 3u + 2u);
}

TEST(MemoryPlan, Pv64_HasPaddingBehindTheLastElement) {
  for (const uint64_t pages : {1024u, 1025u, 4096u}) {
    const MemoryPlan plan = plan_memory(testing::fake_layout(), GuestType::kPv64, pages);
    EXPECT_EQ(plan.boot_stack.end().raw(), pages - 128) << pages;
  }
}

TEST(MemoryPlan, Pv64_TablesReachTheNextMultipleOf4MiB) {
  EXPECT_EQ(plan_memory(testing::fake_layout(), GuestType::kPv64, 1025).page_tables.count, 3u + 4u);
  EXPECT_EQ(plan_memory(testing::fake_layout(), GuestType::kPv64, 2048).page_tables.count, 3u + 4u);
}

TEST(MemoryPlan, Heap_GrowsAndShrinksWithTheDomain) {
  const assay_agent_layout layout = testing::fake_layout();
  const uint64_t small = plan_memory(layout, GuestType::kPvh, 600).layout.heap_end;
  const uint64_t large = plan_memory(layout, GuestType::kPvh, 4096).layout.heap_end;
  EXPECT_LT(small, layout.heap_end);
  EXPECT_GT(large, layout.heap_end);
}

TEST(MemoryPlan, SmallestDomain_Fits_OnePageLessDoesNot) {
  // 400 pages below the heap, 16 of heap, then p2m, start_info, five tables, stack, padding.
  EXPECT_EQ(error_of(GuestType::kPv64, 400 + 16 + 2 + 1 + 5 + 1 + 128), "no error");
  EXPECT_THAT(error_of(GuestType::kPv64, 400 + 16 + 2 + 1 + 5 + 1 + 127), HasSubstr("at least 553"));
  EXPECT_EQ(error_of(GuestType::kPvh, 400 + 16 + 1 + 128), "no error");
  EXPECT_THAT(error_of(GuestType::kPvh, 400 + 16 + 1 + 127), HasSubstr("at least 545"));
}

TEST(MemoryPlan, LargestDomain_Fits_OnePageMoreDoesNot) {
  EXPECT_EQ(error_of(GuestType::kPv64, kPagesMax), "no error");
  EXPECT_THAT(error_of(GuestType::kPv64, kPagesMax + 1), HasSubstr("at most 262144"));
}

}  // namespace
}  // namespace assay::toolstack
