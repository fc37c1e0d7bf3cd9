#include "sim/devices/xenstore.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "sim/devices/device_abi.hpp"
#include "sim/devices/store_audit.hpp"

namespace assay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr StoreCaller kDom0{DomId{0}};
constexpr StoreCaller kGuest{DomId{1}};
constexpr StoreCaller kOther{DomId{2}};

/// A store in which domain 1 owns its home and domain 2 has none.
class XenStoreTest : public ::testing::Test {
 protected:
  explicit XenStoreTest(const StoreQuotas& quotas = {}) : store_(quotas) {
    EXPECT_EQ(store_.mkdir(kDom0, "/local/domain/1"), 0);
    EXPECT_EQ(store_.set_permissions(kDom0, "/local/domain/1", {{DomId{1}, StoreAccess::kNone}}), 0);
  }
  ~XenStoreTest() override { EXPECT_THAT(audit(store_), IsEmpty()); }

  std::string value(const StoreCaller& caller, std::string_view path) {
    const StoreResult<std::string> result = store_.read(caller, path);
    EXPECT_EQ(result.error, 0) << path;
    return result.value;
  }

  XenStore store_;
};

TEST_F(XenStoreTest, Write_ThenRead_ReturnsTheBytes) {
  const std::string bytes("a\0b", 3);
  EXPECT_EQ(store_.write(kGuest, "data/x", bytes), 0);
  EXPECT_EQ(value(kGuest, "data/x"), bytes);
  EXPECT_EQ(value(kDom0, "/local/domain/1/data/x"), bytes);
}

TEST_F(XenStoreTest, Write_CreatesMissingParents_Empty) {
  EXPECT_EQ(store_.write(kGuest, "a/b/c", "1"), 0);
  EXPECT_EQ(value(kGuest, "a/b"), "");
  EXPECT_THAT(store_.directory(kGuest, "a").value.names, ElementsAre("b"));
}

TEST_F(XenStoreTest, Mkdir_OfAnExistingNode_LeavesItsValue) {
  EXPECT_EQ(store_.write(kGuest, "x", "1"), 0);
  EXPECT_EQ(store_.mkdir(kGuest, "x"), 0);
  EXPECT_EQ(value(kGuest, "x"), "1");
}

TEST_F(XenStoreTest, DeepestPath_ComesAndGoes) {
  std::string path;
  while (path.size() < XENSTORE_ABS_PATH_MAX) path += "/a";
  EXPECT_EQ(store_.mkdir(kDom0, path), 0);
  EXPECT_EQ(store_.state().owned().at(DomId{0}), 3u + XENSTORE_ABS_PATH_MAX / 2);
  EXPECT_THAT(audit(store_), IsEmpty());
  EXPECT_EQ(store_.remove(kDom0, "/a"), 0);
  EXPECT_EQ(store_.state().owned().at(DomId{0}), 3u);
}

TEST_F(XenStoreTest, Directory_IsInOrder) {
  for (const char* name : {"c", "a", "b-1", "b"}) EXPECT_EQ(store_.mkdir(kGuest, name), 0);
  EXPECT_THAT(store_.directory(kGuest, "/local/domain/1").value.names, ElementsAre("a", "b", "b-1", "c"));
}

TEST_F(XenStoreTest, Missing_IsEnoentBelowWhatOneMayRead_EaccesElsewhere) {
  EXPECT_EQ(store_.read(kGuest, "x/y").error, ENOENT);
  EXPECT_EQ(store_.read(kGuest, "/x").error, EACCES);
  EXPECT_EQ(store_.read(kOther, "/local/domain/1/x").error, EACCES);
  EXPECT_EQ(store_.directory(kGuest, "x").error, ENOENT);
  EXPECT_EQ(store_.permissions(kGuest, "x").error, ENOENT);
}

TEST_F(XenStoreTest, MalformedPath_IsEinval) {
  EXPECT_EQ(store_.read(kGuest, "").error, EINVAL);
  EXPECT_EQ(store_.write(kGuest, "a//b", ""), EINVAL);
  EXPECT_EQ(store_.mkdir(kGuest, "@releaseDomain"), EINVAL);
  EXPECT_EQ(store_.remove(kDom0, "/a/"), EINVAL);
}

TEST_F(XenStoreTest, Remove_TakesEverythingBelow) {
  EXPECT_EQ(store_.write(kGuest, "a/b/c", "1"), 0);
  EXPECT_EQ(store_.remove(kGuest, "a"), 0);
  EXPECT_EQ(store_.read(kGuest, "a/b/c").error, ENOENT);
  EXPECT_THAT(store_.directory(kGuest, "/local/domain/1").value.names, IsEmpty());
}

TEST_F(XenStoreTest, Remove_OfNothing_IsFineWhenTheParentExists) {
  EXPECT_EQ(store_.remove(kGuest, "a"), 0);
  EXPECT_EQ(store_.remove(kGuest, "a/b"), ENOENT);
}

TEST_F(XenStoreTest, Remove_Root_IsEinvalForDomain0_EaccesForOthers) {
  EXPECT_EQ(store_.remove(kDom0, "/"), EINVAL);
  EXPECT_EQ(store_.remove(kGuest, "/"), EACCES);
}

TEST_F(XenStoreTest, NewNodes_TakePermissionsFromAbove_AndBelongToTheirCreator) {
  EXPECT_EQ(store_.set_permissions(kGuest, "/local/domain/1",
                                   {{DomId{1}, StoreAccess::kNone}, {DomId{2}, StoreAccess::kBoth}}),
            0);
  EXPECT_EQ(store_.write(kOther, "/local/domain/1/by-2", ""), 0);
  EXPECT_EQ(store_.permissions(kDom0, "/local/domain/1/by-2").value.front(),
            (StorePermission{DomId{2}, StoreAccess::kNone}));
  EXPECT_EQ(store_.write(kDom0, "/local/domain/1/by-0", ""), 0);
  EXPECT_EQ(store_.permissions(kDom0, "/local/domain/1/by-0").value.front().domain, DomId{1});
}

TEST_F(XenStoreTest, Permissions_DecideWhoReadsAndWrites) {
  EXPECT_EQ(store_.write(kGuest, "x", "1"), 0);
  EXPECT_EQ(store_.read(kOther, "/local/domain/1/x").error, EACCES);
  EXPECT_EQ(store_.set_permissions(kGuest, "x", {{DomId{1}, StoreAccess::kNone}, {DomId{2}, StoreAccess::kRead}}), 0);
  EXPECT_EQ(value(kOther, "/local/domain/1/x"), "1");
  EXPECT_EQ(store_.write(kOther, "/local/domain/1/x", "2"), EACCES);
  EXPECT_EQ(store_.remove(kOther, "/local/domain/1/x"), EACCES);
}

TEST_F(XenStoreTest, SetPermissions_IsForTheOwner_WhoStaysTheOwner) {
  EXPECT_EQ(store_.write(kGuest, "x", "1"), 0);
  EXPECT_EQ(store_.set_permissions(kGuest, "x", {}), EINVAL);
  EXPECT_EQ(store_.set_permissions(kGuest, "x", {{DomId{2}, StoreAccess::kBoth}}), EPERM);
  EXPECT_EQ(store_.set_permissions(kGuest, "x", {{DomId{1}, StoreAccess::kBoth}}), 0);
  EXPECT_EQ(store_.set_permissions(kOther, "/local/domain/1/x", {{DomId{2}, StoreAccess::kBoth}}), EACCES);
  EXPECT_EQ(store_.set_permissions(kDom0, "/local/domain/1/x", {{DomId{2}, StoreAccess::kNone}}), 0);
  EXPECT_EQ(store_.read(kGuest, "x").error, EACCES);
}

TEST_F(XenStoreTest, SpecialPermissions_AreDomain0sToChange) {
  EXPECT_EQ(store_.permissions(kGuest, "@releaseDomain").error, EACCES);
  EXPECT_EQ(store_.set_permissions(kGuest, "@releaseDomain", {{DomId{1}, StoreAccess::kBoth}}), EACCES);
  EXPECT_EQ(store_.set_permissions(kDom0, "@releaseDomain", {}), EINVAL);
  EXPECT_EQ(store_.set_permissions(kDom0, "@releaseDomain", {{DomId{0}, StoreAccess::kRead}}), 0);
  EXPECT_EQ(store_.permissions(kGuest, "@releaseDomain").value, (StorePermissions{{DomId{0}, StoreAccess::kRead}}));
}

TEST_F(XenStoreTest, Release_TakesRightsAway_LeavesTheNodes) {
  EXPECT_EQ(store_.write(kGuest, "x", "1"), 0);
  EXPECT_EQ(store_.write(kDom0, "/shared", "1"), 0);
  EXPECT_EQ(store_.set_permissions(kDom0, "/shared", {{DomId{0}, StoreAccess::kNone}, {DomId{1}, StoreAccess::kBoth}}),
            0);
  store_.introduce(DomId{1});
  EXPECT_TRUE(store_.is_introduced(DomId{1}));
  store_.release(DomId{1});
  EXPECT_FALSE(store_.is_introduced(DomId{1}));
  EXPECT_EQ(value(kDom0, "/local/domain/1/x"), "1");
  EXPECT_EQ(store_.read(kGuest, "x").error, EACCES);
  EXPECT_EQ(store_.read(kGuest, "/shared").error, EACCES);
  EXPECT_FALSE(store_.state().owned().contains(DomId{1}));
}

TEST_F(XenStoreTest, Copy_IsASnapshot) {
  EXPECT_EQ(store_.write(kGuest, "x", "1"), 0);
  XenStore copy = store_;
  EXPECT_EQ(store_.write(kGuest, "x", "2"), 0);
  EXPECT_EQ(copy.read(kGuest, "x").value, "1");
}

class XenStoreQuotaTest : public XenStoreTest {
 protected:
  // The home is the first of four nodes.
  static constexpr StoreQuotas kQuotas{.entries = 4, .entry_bytes = 8, .permissions = 2};
  XenStoreQuotaTest() : XenStoreTest(kQuotas) {}
};

TEST_F(XenStoreQuotaTest, Entries_AtTheLimit_OneMoreIsEnospc) {
  EXPECT_EQ(store_.mkdir(kGuest, "a/b/c/d"), ENOSPC);
  EXPECT_EQ(store_.mkdir(kGuest, "a/b/c"), 0);
  EXPECT_EQ(store_.mkdir(kGuest, "d"), ENOSPC);
  EXPECT_EQ(store_.remove(kGuest, "a/b"), 0);
  EXPECT_EQ(store_.mkdir(kGuest, "d"), 0);
}

TEST_F(XenStoreQuotaTest, Entries_Domain0_HasNoLimit) {
  for (const char* path : {"/a", "/b", "/c", "/d", "/e", "/local/domain/1/v/w/x/y/z"})
    EXPECT_EQ(store_.mkdir(kDom0, path), 0);
  EXPECT_EQ(store_.mkdir(kGuest, "d"), ENOSPC);
}

TEST_F(XenStoreQuotaTest, EntryBytes_AtTheLimit_OneMoreIsEnospc) {
  EXPECT_EQ(store_.write(kGuest, "a", "123456789"), ENOSPC);
  EXPECT_EQ(store_.write(kGuest, "a", "12345678"), 0);
  EXPECT_EQ(store_.write(kGuest, "a", "123456789"), ENOSPC);
  EXPECT_EQ(value(kGuest, "a"), "12345678");
  EXPECT_EQ(store_.mkdir(kGuest, "a/b"), ENOSPC) << "the name of a child counts";
  EXPECT_EQ(store_.write(kDom0, "/local/domain/1/a", std::string(5000, 'x')), 0);
}

TEST_F(XenStoreQuotaTest, EntryBytes_NamesOnTheWay_Count) {
  EXPECT_EQ(store_.mkdir(kGuest, "a/12345678"), ENOSPC);
  EXPECT_EQ(store_.mkdir(kGuest, "a/1234567"), 0);
}

TEST_F(XenStoreQuotaTest, Permissions_AtTheLimit_OneMoreIsEnospc) {
  StorePermissions permissions = {{DomId{1}, StoreAccess::kNone}, {DomId{2}, StoreAccess::kRead}};
  EXPECT_EQ(store_.set_permissions(kGuest, "/local/domain/1", permissions), 0);
  permissions.push_back({DomId{3}, StoreAccess::kRead});
  EXPECT_EQ(store_.set_permissions(kGuest, "/local/domain/1", permissions), ENOSPC);
  EXPECT_EQ(store_.set_permissions(kDom0, "/local/domain/1", permissions), 0);
}

TEST(XenStoreQuotas, EntrySize_Is2048) {
  XenStore store;
  ASSERT_EQ(store.write({DomId{0}}, "/x", ""), 0);
  ASSERT_EQ(store.set_permissions({DomId{0}}, "/x", {{DomId{1}, StoreAccess::kNone}}), 0);
  EXPECT_EQ(store.write({DomId{1}}, "/x", std::string(2048, 'a')), 0);
  EXPECT_EQ(store.write({DomId{1}}, "/x", std::string(2049, 'a')), ENOSPC);
}

TEST(StoreAudit, CleanStore_HasNothingToSay) {
  EXPECT_THAT(audit(XenStore()), IsEmpty());
}

}  // namespace
}  // namespace assay
