#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "sim/devices/xenstore.hpp"

namespace assay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr StoreCaller kDom0{DomId{0}};
constexpr StoreCaller kGuest{DomId{1}};

/// A store in which domain 1 owns its home.
class XenStoreWatchTest : public ::testing::Test {
 protected:
  explicit XenStoreWatchTest(const StoreQuotas& quotas = {}) : store_(quotas) {
    EXPECT_EQ(store_.mkdir(kDom0, "/local/domain/1"), 0);
    EXPECT_EQ(store_.set_permissions(kDom0, "/local/domain/1", {{DomId{1}, StoreAccess::kNone}}), 0);
  }

  std::vector<std::string> events(DomId domain) {
    std::vector<std::string> all;
    while (const auto event = store_.next_event(domain)) all.push_back(event->path + " " + event->token);
    return all;
  }
  void set_watch(DomId domain, std::string_view path, std::string_view token) {
    EXPECT_EQ(store_.watch(domain, path, token), 0);
    EXPECT_EQ(events(domain).size(), 1u);
  }

  XenStore store_;
};

TEST_F(XenStoreWatchTest, NewWatch_FiresOnce_AlsoForNothing) {
  EXPECT_EQ(store_.watch(DomId{1}, "no/such", "t"), 0);
  EXPECT_THAT(events(DomId{1}), ElementsAre("no/such t"));
  EXPECT_FALSE(store_.has_event(DomId{1}));
}

TEST_F(XenStoreWatchTest, Changes_AtAndBelow_AreTold) {
  set_watch(DomId{0}, "/local/domain/1/a", "t");
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_EQ(store_.write(kGuest, "a/b/c", "1"), 0);
  EXPECT_EQ(store_.write(kGuest, "ab", "1"), 0);
  EXPECT_EQ(store_.write(kGuest, "z", "1"), 0);
  EXPECT_EQ(store_.set_permissions(kGuest, "a/b", {{DomId{1}, StoreAccess::kRead}}), 0);
  EXPECT_THAT(events(DomId{0}), ElementsAre("/local/domain/1/a t", "/local/domain/1/a/b/c t", "/local/domain/1/a/b t"));
}

TEST_F(XenStoreWatchTest, NothingChanged_NothingIsTold) {
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  set_watch(DomId{1}, "a", "t");
  EXPECT_EQ(store_.mkdir(kGuest, "a"), 0);
  EXPECT_EQ(store_.remove(kGuest, "b"), 0);
  EXPECT_EQ(store_.read(kGuest, "a").error, 0);
  EXPECT_EQ(store_.write(kGuest, "a//b", "1"), EINVAL);
  EXPECT_THAT(events(DomId{1}), IsEmpty());
}

TEST_F(XenStoreWatchTest, RelativeWatch_IsToldRelativePaths) {
  set_watch(DomId{1}, "a", "t");
  EXPECT_EQ(store_.write(kDom0, "/local/domain/1/a/b", "1"), 0);
  EXPECT_THAT(events(DomId{1}), ElementsAre("a/b t"));
}

TEST_F(XenStoreWatchTest, RemovalOfAParent_IsToldAsTheWatchedPath) {
  EXPECT_EQ(store_.write(kGuest, "a/b/c", "1"), 0);
  set_watch(DomId{1}, "a/b", "t");
  set_watch(DomId{0}, "/local/domain/1/a", "t");
  EXPECT_EQ(store_.remove(kGuest, "a"), 0);
  EXPECT_THAT(events(DomId{1}), ElementsAre("a/b t"));
  EXPECT_THAT(events(DomId{0}), ElementsAre("/local/domain/1/a t"));
}

TEST_F(XenStoreWatchTest, Events_OnlyForThoseWhoMayReadTheNodeOrItsParent) {
  set_watch(DomId{2}, "/", "all");
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_EQ(store_.remove(kGuest, "a"), 0);
  EXPECT_THAT(events(DomId{2}), IsEmpty());
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_EQ(store_.set_permissions(kGuest, "a", {{DomId{1}, StoreAccess::kRead}}), 0);
  EXPECT_THAT(events(DomId{2}), ElementsAre("/local/domain/1/a all"));
  EXPECT_EQ(store_.set_permissions(kGuest, "a", {{DomId{1}, StoreAccess::kNone}}), 0);
  EXPECT_THAT(events(DomId{2}), ElementsAre("/local/domain/1/a all")) << "that it may not read it any more";
}

TEST_F(XenStoreWatchTest, IntroduceAndRelease_AreToldToDomain0) {
  set_watch(DomId{0}, "@introduceDomain", "i");
  set_watch(DomId{0}, "@releaseDomain", "r");
  set_watch(DomId{0}, "/", "all");
  store_.introduce(DomId{5});
  EXPECT_THAT(events(DomId{0}), ElementsAre("@introduceDomain i"));
  store_.release(DomId{5});
  EXPECT_THAT(events(DomId{0}), ElementsAre("@releaseDomain r"));
}

TEST_F(XenStoreWatchTest, Special_GuestsNeedPermission) {
  set_watch(DomId{1}, "@releaseDomain", "r");
  store_.release(DomId{5});
  EXPECT_THAT(events(DomId{1}), IsEmpty());
  EXPECT_EQ(
      store_.set_permissions(kDom0, "@releaseDomain", {{DomId{0}, StoreAccess::kNone}, {DomId{1}, StoreAccess::kRead}}),
      0);
  store_.release(DomId{5});
  EXPECT_THAT(events(DomId{1}), ElementsAre("@releaseDomain r"));
}

TEST_F(XenStoreWatchTest, Transaction_IsToldAfterCommit_NotAfterAbort) {
  set_watch(DomId{0}, "/local", "t");
  for (const bool commit : {false, true}) {
    const StoreCaller inside{DomId{1}, store_.start_transaction(kGuest).value};
    EXPECT_EQ(store_.write(inside, "a", "1"), 0);
    EXPECT_EQ(store_.write(inside, "b", "1"), 0);
    EXPECT_THAT(events(DomId{0}), IsEmpty());
    EXPECT_EQ(store_.end_transaction(inside, commit), 0);
  }
  EXPECT_THAT(events(DomId{0}), ElementsAre("/local/domain/1/a t", "/local/domain/1/b t"));
}

TEST_F(XenStoreWatchTest, SameWatch_IsEexist_AnotherTokenIsNot) {
  set_watch(DomId{1}, "a", "t");
  EXPECT_EQ(store_.watch(DomId{1}, "a", "t"), EEXIST);
  EXPECT_EQ(store_.watch(DomId{1}, "/local/domain/1/a", "t"), EEXIST);
  set_watch(DomId{1}, "a", "u");
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_THAT(events(DomId{1}), ElementsAre("a t", "a u"));
}

TEST_F(XenStoreWatchTest, Unwatch_EndsIt) {
  EXPECT_EQ(store_.unwatch(DomId{1}, "a", "t"), ENOENT);
  set_watch(DomId{1}, "a", "t");
  EXPECT_EQ(store_.unwatch(DomId{1}, "a", "u"), ENOENT);
  EXPECT_EQ(store_.unwatch(DomId{0}, "/local/domain/1/a", "t"), ENOENT);
  EXPECT_EQ(store_.unwatch(DomId{1}, "a", "t"), 0);
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_THAT(events(DomId{1}), IsEmpty());
}

TEST_F(XenStoreWatchTest, MalformedPath_IsEinval) {
  EXPECT_EQ(store_.watch(DomId{1}, "", "t"), EINVAL);
  EXPECT_EQ(store_.watch(DomId{1}, "/a/", "t"), EINVAL);
  EXPECT_EQ(store_.unwatch(DomId{1}, "/a/", "t"), EINVAL);
}

TEST_F(XenStoreWatchTest, Reset_DropsWatchesEventsAndTransactions) {
  EXPECT_EQ(store_.watch(DomId{1}, "a", "t"), 0);
  const StoreCaller inside{DomId{1}, store_.start_transaction(kGuest).value};
  store_.reset(DomId{1});
  EXPECT_FALSE(store_.has_event(DomId{1}));
  EXPECT_EQ(store_.end_transaction(inside, true), ENOENT);
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_FALSE(store_.has_event(DomId{1}));
}

TEST_F(XenStoreWatchTest, EventThatWaitsAlready_IsNotToldTwice) {
  set_watch(DomId{1}, "a", "t");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_THAT(events(DomId{1}), ElementsAre("a t"));
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_THAT(events(DomId{1}), ElementsAre("a t"));
}

TEST_F(XenStoreWatchTest, EventLongerThanAMessage_IsNotTold) {
  const std::string fitting(4096 - 2 - 1, 't');
  EXPECT_EQ(store_.watch(DomId{1}, "a", fitting), 0);
  EXPECT_EQ(events(DomId{1}).size(), 1u);
  EXPECT_EQ(store_.watch(DomId{1}, "a", fitting + "t"), 0);
  EXPECT_THAT(events(DomId{1}), IsEmpty());
}

class XenStoreWatchQuotaTest : public XenStoreWatchTest {
 protected:
  static constexpr StoreQuotas kQuotas{.watches = 2, .pending_events = 3};
  XenStoreWatchQuotaTest() : XenStoreWatchTest(kQuotas) {}
};

TEST_F(XenStoreWatchQuotaTest, Watches_AtTheLimit_OneMoreIsE2big) {
  EXPECT_EQ(store_.watch(DomId{1}, "a", "t"), 0);
  EXPECT_EQ(store_.watch(DomId{1}, "b", "t"), 0);
  EXPECT_EQ(store_.watch(DomId{1}, "c", "t"), E2BIG);
  EXPECT_EQ(store_.unwatch(DomId{1}, "a", "t"), 0);
  EXPECT_EQ(store_.watch(DomId{1}, "c", "t"), 0);
  for (const char* path : {"/a", "/b", "/c"}) EXPECT_EQ(store_.watch(DomId{0}, path, "t"), 0);
}

TEST_F(XenStoreWatchQuotaTest, PendingEvents_AtTheLimit_MoreAreDroppedAndCounted) {
  set_watch(DomId{1}, "a", "t");
  for (const char* path : {"a/1", "a/2", "a/3", "a/4", "a/5"}) EXPECT_EQ(store_.write(kGuest, path, ""), 0);
  EXPECT_EQ(store_.watches().watchers().at(DomId{1}).dropped, 2u);
  EXPECT_THAT(events(DomId{1}), ElementsAre("a/1 t", "a/2 t", "a/3 t"));
}

}  // namespace
}  // namespace assay
