#include "sim/engine/machine_page_map.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kLast = PageMap::kPagesMax - 1;

void set(PageMap& map, uint32_t number, uint8_t value) {
  PageMap::Page page;
  page.bytes.fill(value);
  map.set(number, page.bytes.data());
}

TEST(PageMap, Empty_FindsNothing) {
  const PageMap map;
  EXPECT_EQ(map.find(0), nullptr);
  EXPECT_EQ(map.find(kLast), nullptr);
}

TEST(PageMap, Set_IsFoundUnderItsNumberOnly) {
  PageMap map;
  set(map, 64, 7);
  ASSERT_NE(map.find(64), nullptr);
  EXPECT_EQ(map.find(64)->bytes[4095], 7);
  EXPECT_EQ(map.find(0), nullptr);
  EXPECT_EQ(map.find(65), nullptr);
}

TEST(PageMap, Erase_FindsNothing) {
  PageMap map;
  set(map, kLast, 7);
  map.erase(kLast);
  map.erase(3);
  EXPECT_EQ(map.find(kLast), nullptr);
  EXPECT_THAT(PageMap::differences(map, {}), IsEmpty());
}

TEST(PageMap, ChangedCopy_LeavesTheOtherAsItWas) {
  PageMap one;
  set(one, 5, 1);
  PageMap other = one;
  set(other, 5, 2);
  set(other, 6, 3);
  EXPECT_EQ(one.find(5)->bytes[0], 1);
  EXPECT_EQ(one.find(6), nullptr);
  EXPECT_EQ(other.find(5)->bytes[0], 2);
}

TEST(PageMap, Copies_ShareTheirPages) {
  PageMap one;
  set(one, 5, 1);
  PageMap other = one;
  set(other, kLast, 2);
  EXPECT_EQ(one.find(5), other.find(5));
}

TEST(PageMap, Differences_AreInAscendingOrder) {
  PageMap one;
  set(one, 5, 1);
  set(one, 4096, 1);
  PageMap other = one;
  set(other, kLast, 2);
  set(other, 4096, 2);
  set(other, 0, 2);
  EXPECT_THAT(PageMap::differences(one, other), ElementsAre(0, 4096, kLast));
  EXPECT_THAT(PageMap::differences(other, one), ElementsAre(0, 4096, kLast));
  EXPECT_THAT(PageMap::differences(one, one), IsEmpty());
}

}  // namespace
}  // namespace assay
