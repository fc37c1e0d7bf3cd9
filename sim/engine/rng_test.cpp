#include "sim/engine/rng.hpp"

#include <gtest/gtest.h>

#include <set>

namespace assay {
namespace {

TEST(Rng, SameSeed_SameNumbers) {
  Rng a(7);
  Rng b(7);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.next(), b.next());
}

// The numbers are part of every recorded seed: they must not change between compilers or releases.
TEST(Rng, FirstNumbers_AreFixed) {
  Rng rng(1);
  EXPECT_EQ(rng.next(), 12966619160104079557u);
  EXPECT_EQ(rng.next(), 9600361134598540522u);
  EXPECT_EQ(Rng(1).fork("sched").next(), 17017726103807511366u);
}

TEST(Rng, Fork_IgnoresHowManyWereDrawn) {
  Rng drawn(5);
  for (int i = 0; i < 10; ++i) drawn.next();
  EXPECT_EQ(drawn.fork("a").next(), Rng(5).fork("a").next());
}

TEST(Rng, Fork_NamesAreDifferentStreams) {
  const Rng root(5);
  EXPECT_NE(root.fork("a").next(), root.fork("b").next());
  EXPECT_NE(root.fork("a").next(), Rng(5).next());
}

TEST(Rng, Below_CoversTheRangeAndNoMore) {
  Rng rng(3);
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(rng.below(10));
  EXPECT_EQ(seen.size(), 10u);
  EXPECT_EQ(*seen.rbegin(), 9u);
}

TEST(Rng, OneIn_ZeroIsNeverOneIsAlways) {
  Rng rng(3);
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(rng.one_in(0));
    EXPECT_TRUE(rng.one_in(1));
  }
}

}  // namespace
}  // namespace assay
