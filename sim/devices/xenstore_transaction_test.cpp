#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "sim/devices/store_audit.hpp"
#include "sim/devices/xenstore.hpp"
#include "sim/engine/rng.hpp"

namespace assay {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr StoreCaller kDom0{DomId{0}};
constexpr StoreCaller kGuest{DomId{1}};

/// A store in which domain 1 owns its home.
class XenStoreTransactionTest : public ::testing::Test {
 protected:
  explicit XenStoreTransactionTest(const StoreQuotas& quotas = {}) : store_(quotas) {
    EXPECT_EQ(store_.mkdir(kDom0, "/local/domain/1"), 0);
    EXPECT_EQ(store_.set_permissions(kDom0, "/local/domain/1", {{DomId{1}, StoreAccess::kNone}}), 0);
  }
  ~XenStoreTransactionTest() override { EXPECT_THAT(audit(store_), IsEmpty()); }

  StoreCaller start(DomId domain = DomId{1}) {
    const StoreResult<uint32_t> started = store_.start_transaction({domain});
    EXPECT_EQ(started.error, 0);
    return {domain, started.value};
  }

  XenStore store_;
};

TEST_F(XenStoreTransactionTest, Changes_AreSeenInsideOnly_UntilCommit) {
  const StoreCaller inside = start();
  EXPECT_EQ(store_.write(inside, "a", "1"), 0);
  EXPECT_EQ(store_.read(inside, "a").value, "1");
  EXPECT_EQ(store_.read(kGuest, "a").error, ENOENT);
  EXPECT_EQ(store_.end_transaction(inside, true), 0);
  EXPECT_EQ(store_.read(kGuest, "a").value, "1");
}

TEST_F(XenStoreTransactionTest, Inside_SeesNothingThatOthersDo) {
  const StoreCaller inside = start();
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_EQ(store_.read(inside, "a").error, ENOENT);
}

TEST_F(XenStoreTransactionTest, Abort_DropsTheChanges) {
  const StoreCaller inside = start();
  EXPECT_EQ(store_.write(inside, "a", "1"), 0);
  EXPECT_EQ(store_.end_transaction(inside, false), 0);
  EXPECT_EQ(store_.read(kGuest, "a").error, ENOENT);
}

TEST_F(XenStoreTransactionTest, EveryKindOfChange_IsCommitted) {
  EXPECT_EQ(store_.write(kGuest, "gone/below", "1"), 0);
  const StoreCaller inside = start();
  EXPECT_EQ(store_.write(inside, "a/b", "1"), 0);
  EXPECT_EQ(store_.write(inside, "a/b", "2"), 0);
  EXPECT_EQ(store_.mkdir(inside, "c"), 0);
  EXPECT_EQ(store_.remove(inside, "gone"), 0);
  EXPECT_EQ(store_.set_permissions(inside, "c", {{DomId{1}, StoreAccess::kRead}}), 0);
  EXPECT_EQ(store_.end_transaction(inside, true), 0);
  EXPECT_THAT(store_.directory(kGuest, "/local/domain/1").value.names, ElementsAre("a", "c"));
  EXPECT_EQ(store_.read(kGuest, "a/b").value, "2");
  EXPECT_EQ(store_.permissions(kGuest, "c").value.front().access, StoreAccess::kRead);
}

TEST_F(XenStoreTransactionTest, WhatWasReadChanged_IsEagain_AndNothingIsCommitted) {
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  const StoreCaller inside = start();
  EXPECT_EQ(store_.read(inside, "a").value, "1");
  EXPECT_EQ(store_.write(inside, "b", "1"), 0);
  EXPECT_EQ(store_.write(kGuest, "a", "2"), 0);
  EXPECT_EQ(store_.end_transaction(inside, true), EAGAIN);
  EXPECT_EQ(store_.read(kGuest, "b").error, ENOENT);
  EXPECT_EQ(store_.end_transaction(inside, true), ENOENT) << "it is over";
}

TEST_F(XenStoreTransactionTest, WhatWasMissingAppeared_IsEagain) {
  const StoreCaller inside = start();
  EXPECT_EQ(store_.read(inside, "a").error, ENOENT);
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_EQ(store_.end_transaction(inside, true), EAGAIN);
}

TEST_F(XenStoreTransactionTest, WhatWasWrittenChanged_IsEagain) {
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  const StoreCaller inside = start();
  EXPECT_EQ(store_.write(inside, "a", "2"), 0);
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0) << "the same value again";
  EXPECT_EQ(store_.end_transaction(inside, true), EAGAIN);
}

TEST_F(XenStoreTransactionTest, WhatWasListedGrew_IsEagain) {
  const StoreCaller inside = start();
  EXPECT_EQ(store_.directory(inside, "/local/domain/1").error, 0);
  EXPECT_EQ(store_.mkdir(kGuest, "a"), 0);
  EXPECT_EQ(store_.end_transaction(inside, true), EAGAIN);
}

TEST_F(XenStoreTransactionTest, WhatWasListedShrank_IsEagain) {
  EXPECT_EQ(store_.mkdir(kGuest, "a"), 0);
  const StoreCaller inside = start();
  EXPECT_EQ(store_.directory(inside, "/local/domain/1").error, 0);
  EXPECT_EQ(store_.remove(kGuest, "a"), 0);
  EXPECT_EQ(store_.end_transaction(inside, true), EAGAIN);
}

TEST_F(XenStoreTransactionTest, BelowWhatWasRemovedChanged_IsEagain) {
  EXPECT_EQ(store_.write(kGuest, "a/b/c", "1"), 0);
  const StoreCaller inside = start();
  EXPECT_EQ(store_.remove(inside, "a"), 0);
  EXPECT_EQ(store_.write(kGuest, "a/b/c", "2"), 0);
  EXPECT_EQ(store_.end_transaction(inside, true), EAGAIN);
}

TEST_F(XenStoreTransactionTest, ChangesElsewhere_StayBoth) {
  EXPECT_EQ(store_.write(kGuest, "a", "1"), 0);
  EXPECT_EQ(store_.write(kGuest, "b", "1"), 0);
  const StoreCaller inside = start();
  EXPECT_EQ(store_.write(inside, "a", "2"), 0);
  EXPECT_EQ(store_.write(kGuest, "b", "2"), 0);
  EXPECT_EQ(store_.end_transaction(inside, true), 0);
  EXPECT_EQ(store_.read(kGuest, "a").value, "2");
  EXPECT_EQ(store_.read(kGuest, "b").value, "2");
}

TEST_F(XenStoreTransactionTest, UnknownNumber_IsEnoent_AlsoThatOfAnotherDomain) {
  const StoreCaller inside = start();
  const StoreCaller thief{DomId{2}, inside.transaction};
  EXPECT_EQ(store_.read({DomId{1}, 99}, "a").error, ENOENT);
  EXPECT_EQ(store_.write(thief, "a", ""), ENOENT);
  EXPECT_EQ(store_.end_transaction(thief, true), ENOENT);
  EXPECT_EQ(store_.end_transaction(kGuest, true), ENOENT);
}

TEST_F(XenStoreTransactionTest, StartInside_IsEbusy) {
  EXPECT_EQ(store_.start_transaction(start()).error, EBUSY);
  EXPECT_EQ(store_.start_transaction({DomId{1}, 99}).error, ENOENT);
}

class XenStoreTransactionQuotaTest : public XenStoreTransactionTest {
 protected:
  static constexpr StoreQuotas kQuotas{.entries = 3, .transactions = 2, .transaction_steps = 4};
  XenStoreTransactionQuotaTest() : XenStoreTransactionTest(kQuotas) {}
};

TEST_F(XenStoreTransactionQuotaTest, Open_AtTheLimit_OneMoreIsEnospc) {
  const StoreCaller first = start();
  start();
  EXPECT_EQ(store_.start_transaction(kGuest).error, ENOSPC);
  EXPECT_EQ(store_.end_transaction(first, false), 0);
  start();
  for (int i = 0; i < 5; ++i) start(DomId{0});
}

TEST_F(XenStoreTransactionQuotaTest, Steps_AtTheLimit_OneMoreIsEnospc) {
  const StoreCaller inside = start();
  // The home is touched too.
  for (const char* path : {"a", "b", "c"}) EXPECT_EQ(store_.read(inside, path).error, ENOENT);
  EXPECT_EQ(store_.read(inside, "d").error, ENOSPC);
  EXPECT_EQ(store_.write(inside, "d", "1"), ENOSPC);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(store_.write(inside, "a", "1"), 0);
  EXPECT_EQ(store_.write(inside, "a", "2"), ENOSPC);
  EXPECT_EQ(store_.end_transaction(inside, true), 0);
  EXPECT_EQ(store_.read(kGuest, "a").value, "1");
}

TEST_F(XenStoreTransactionQuotaTest, QuotaUsedUpMeanwhile_IsEnospcAtCommit) {
  EXPECT_EQ(store_.mkdir(kDom0, "/other"), 0);
  EXPECT_EQ(store_.set_permissions(kDom0, "/other", {{DomId{0}, StoreAccess::kNone}, {DomId{1}, StoreAccess::kBoth}}),
            0);
  const StoreCaller inside = start();
  EXPECT_EQ(store_.mkdir(inside, "a/b"), 0);
  EXPECT_EQ(store_.mkdir(kGuest, "/other/x"), 0);
  EXPECT_EQ(store_.end_transaction(inside, true), ENOSPC);
  EXPECT_EQ(store_.read(kGuest, "a").error, ENOENT);
}

/// Counters that several transactions increment at the same time: each successful commit counts exactly once.
TEST(XenStoreTransactionRandom, Increments_AreNeverLost) {
  Rng rng(20240517);
  XenStore store;
  const char* const counters[] = {"/a", "/b/c"};
  uint64_t committed[2] = {0, 0};
  for (const char* counter : counters) ASSERT_EQ(store.write(kDom0, counter, "0"), 0);
  struct Increment {
    StoreCaller inside;
    size_t counter;
  };
  std::vector<Increment> open;
  for (int step = 0; step < 20000; ++step) {
    if (open.size() < 5 && rng.one_in(2)) {
      const StoreCaller inside{DomId{0}, store.start_transaction(kDom0).value};
      const size_t counter = rng.below(2);
      const uint64_t value = std::stoull(store.read(inside, counters[counter]).value);
      ASSERT_EQ(store.write(inside, counters[counter], std::to_string(value + 1)), 0);
      open.push_back({inside, counter});
    } else if (!open.empty()) {
      const auto chosen = open.begin() + static_cast<std::ptrdiff_t>(rng.below(open.size()));
      const bool commit = !rng.one_in(4);
      const int error = store.end_transaction(chosen->inside, commit);
      ASSERT_TRUE(error == 0 || error == EAGAIN);
      if (commit && error == 0) ++committed[chosen->counter];
      open.erase(chosen);
    }
  }
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_GT(committed[i], 100u);
    EXPECT_EQ(store.read(kDom0, counters[i]).value, std::to_string(committed[i]));
  }
}

}  // namespace
}  // namespace assay
