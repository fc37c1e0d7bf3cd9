#include "sim/devices/store_path.hpp"

#include <gtest/gtest.h>

#include "sim/devices/device_abi.hpp"

namespace assay {
namespace {

constexpr DomId kGuest{7};

TEST(StorePath, Relative_StartsFromTheHomeOfTheDomain) {
  EXPECT_EQ(absolute_path(kGuest, "device/vbd"), "/local/domain/7/device/vbd");
  EXPECT_EQ(absolute_path(DomId{0}, "x"), "/local/domain/0/x");
}

TEST(StorePath, Absolute_StaysAsItIs) {
  EXPECT_EQ(absolute_path(kGuest, "/"), "/");
  EXPECT_EQ(absolute_path(kGuest, "/a-B_9@/c"), "/a-B_9@/c");
}

TEST(StorePath, Malformed_IsRefused) {
  for (const char* path :
       {"", "//", "/a/", "a/", "/a//b", "a//b", "/a b", "/a+b", "/a.b", "/\xc3\xa4", "@a", "@", "/a\n"}) {
    EXPECT_EQ(absolute_path(kGuest, path), std::nullopt) << path;
  }
  EXPECT_EQ(absolute_path(kGuest, std::string_view("/a\0b", 4)), std::nullopt);
}

TEST(StorePath, Length_LimitsHold) {
  EXPECT_TRUE(absolute_path(kGuest, "/" + std::string(XENSTORE_ABS_PATH_MAX - 1, 'a')));
  EXPECT_FALSE(absolute_path(kGuest, "/" + std::string(XENSTORE_ABS_PATH_MAX, 'a')));
  EXPECT_TRUE(absolute_path(kGuest, std::string(XENSTORE_REL_PATH_MAX, 'a')));
  EXPECT_FALSE(absolute_path(kGuest, std::string(XENSTORE_REL_PATH_MAX + 1, 'a')));
}

TEST(StorePath, Special_StartsWithAt) {
  EXPECT_TRUE(is_special_path("@releaseDomain"));
  EXPECT_FALSE(is_special_path("/@releaseDomain"));
  EXPECT_TRUE(is_valid_special_path("@" + std::string(XENSTORE_REL_PATH_MAX - 1, ' ')));
  EXPECT_FALSE(is_valid_special_path("@" + std::string(XENSTORE_REL_PATH_MAX, ' ')));
}

TEST(StorePath, IsAtOrBelow_ComparesWholeNames) {
  EXPECT_TRUE(is_at_or_below("/a", "/a"));
  EXPECT_TRUE(is_at_or_below("/a/b", "/a"));
  EXPECT_TRUE(is_at_or_below("/a", "/"));
  EXPECT_FALSE(is_at_or_below("/ab", "/a"));
  EXPECT_FALSE(is_at_or_below("/a", "/a/b"));
  EXPECT_FALSE(is_at_or_below("@releaseDomain", "/"));
}

TEST(StorePath, ParentLeafAndChild_Match) {
  EXPECT_EQ(parent_path("/a/b"), "/a");
  EXPECT_EQ(parent_path("/a"), "/");
  EXPECT_EQ(leaf_name("/a/b"), "b");
  EXPECT_EQ(child_path("/", "a"), "/a");
  EXPECT_EQ(child_path("/a", "b"), "/a/b");
}

TEST(StorePath, ParseDomid_TakesDecimalsOnly) {
  EXPECT_EQ(parse_domid("65535"), DomId{65535});
  EXPECT_EQ(parse_domid("007"), DomId{7});
  for (const char* text : {"", "65536", "-1", "+1", " 1", "1 ", "0x1", "a"})
    EXPECT_EQ(parse_domid(text), std::nullopt) << text;
}

}  // namespace
}  // namespace assay
