#include "sim/devices/store_permissions.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

constexpr DomId kOwner{1};
constexpr DomId kReader{2};
constexpr DomId kOther{3};
const StorePermissions kPermissions = {{kOwner, StoreAccess::kWrite}, {kReader, StoreAccess::kRead}};

TEST(StorePermissions, OwnerAndDomain0_MayDoEverything) {
  EXPECT_TRUE(allows(kPermissions, kOwner, StoreAccess::kBoth));
  EXPECT_TRUE(allows(kPermissions, DomId{0}, StoreAccess::kBoth));
  EXPECT_TRUE(owns(kPermissions, DomId{0}));
  EXPECT_FALSE(owns(kPermissions, kReader));
}

TEST(StorePermissions, OwnEntry_ReplacesTheDefault) {
  EXPECT_TRUE(allows(kPermissions, kReader, StoreAccess::kRead));
  EXPECT_FALSE(allows(kPermissions, kReader, StoreAccess::kWrite));
}

TEST(StorePermissions, FirstEntry_IsTheDefaultOfOthers) {
  EXPECT_TRUE(allows(kPermissions, kOther, StoreAccess::kWrite));
  EXPECT_FALSE(allows(kPermissions, kOther, StoreAccess::kRead));
  EXPECT_FALSE(allows(kPermissions, kOther, StoreAccess::kBoth));
}

TEST(StorePermissions, Text_GoesBothWays) {
  for (const char* text : {"n0", "r1", "w2", "b65535"}) {
    const auto permission = parse_permission(text);
    ASSERT_TRUE(permission) << text;
    EXPECT_EQ(format(*permission), text);
  }
}

TEST(StorePermissions, Parse_Malformed_IsNothing) {
  for (const char* text : {"", "r", "x1", "1", "r-1", "r65536", "r1 ", "rr1"})
    EXPECT_FALSE(parse_permission(text)) << text;
}

}  // namespace
}  // namespace assay
