#include "hv/base/ordered.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "hv/base/testing/fake_host.hpp"

namespace hv::testing {

namespace {

struct Item : OrderedNode {};

std::vector<int64_t> keys(const OrderedSet& set) {
  std::vector<int64_t> seen;
  for (const OrderedNode* node = set.first(); node != nullptr; node = OrderedSet::next(*node))
    seen.push_back(node->key);
  return seen;
}

/// A walk through numbers that is the same everywhere.
uint64_t step(uint64_t& state) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return state >> 33;
}

}  // namespace

TEST(OrderedSet, RandomInsertsAndRemoves_KeepOrderAndMasks) {
  constexpr size_t kItems = 500;
  std::vector<Item> items(kItems);
  std::vector<bool> in(kItems);
  std::vector<int64_t> expected;
  OrderedSet set;
  uint64_t random = 1;
  for (int i = 0; i < 20'000; ++i) {
    const size_t which = step(random) % kItems;
    Item& item = items[which];
    if (in[which]) {
      set.remove(item);
      expected.erase(std::ranges::find(expected, item.key));
    } else {
      item.key = static_cast<int64_t>(step(random) % 100) - 50;
      item.mask = uint64_t{1} << (step(random) % 8);
      set.insert(item);
      expected.insert(std::ranges::upper_bound(expected, item.key), item.key);
    }
    in[which] = !in[which];
    if (i % 500 != 0) continue;
    ASSERT_TRUE(set.consistent());
    ASSERT_EQ(keys(set), expected);
    ASSERT_EQ(set.size(), expected.size());
  }
}

TEST(OrderedSet, EqualKeys_StayInTheOrderOfInsertion) {
  Item items[5];
  OrderedSet set;
  for (Item& item : items) set.insert(item);
  const OrderedNode* node = set.first();
  for (const Item& item : items) {
    EXPECT_EQ(node, &item);
    node = OrderedSet::next(*node);
  }
  EXPECT_EQ(node, nullptr);
  EXPECT_EQ(set.last(), &items[4]);
}

TEST(OrderedSet, FirstOfAMask_PassesOverTheOthers) {
  Item items[64];
  OrderedSet set;
  for (int i = 0; i < 64; ++i) {
    items[i].key = i;
    items[i].mask = i % 10 == 7 ? 2 : 1;
    set.insert(items[i]);
  }
  const OrderedNode* node = set.first_of(2);
  for (int i = 7; i < 64; i += 10) {
    ASSERT_EQ(node, &items[i]);
    node = OrderedSet::next_of(*node, 2);
  }
  EXPECT_EQ(node, nullptr);
  EXPECT_EQ(set.first_of(4), nullptr);
  set.remove(items[7]);
  EXPECT_EQ(set.first_of(2), &items[17]);
}

TEST(OrderedSet, RemovingWhatIsNotIn_IsABug) {
  const FakeHost host;
  Item in;
  Item out;
  OrderedSet set;
  set.insert(in);
  EXPECT_THROW(set.remove(out), Panic);
}

}  // namespace hv::testing
