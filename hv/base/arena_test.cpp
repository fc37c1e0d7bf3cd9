#include "hv/base/arena.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <set>

#include "hv/base/testing/fake_host.hpp"

namespace hv::testing {
namespace {

constexpr uint64_t kArenaBytes = 1 << 20;

class Arena : public ::testing::Test {
 protected:
  FakeHost host_{64, 1, kArenaBytes};
};

bool all_zero(const void* memory, size_t bytes) {
  const auto* const start = static_cast<const uint8_t*>(memory);
  return std::all_of(start, start + bytes, [](uint8_t byte) { return byte == 0; });
}

TEST_F(Arena, WhatIsFreed_IsHandedOutAgain_Zeroed) {
  for (size_t bytes = 1; bytes < 9000; bytes += 37) {
    const size_t before = arena_in_use();
    void* const first = arena_alloc(bytes);
    ASSERT_NE(first, nullptr);
    EXPECT_GE(arena_in_use() - before, bytes);
    EXPECT_LE(arena_in_use() - before, bytes + bytes / 8 + 32) << bytes << ": hardly more than asked for";
    std::fill_n(static_cast<uint8_t*>(first), bytes, uint8_t{0xff});
    arena_free(first, bytes);
    EXPECT_EQ(arena_in_use(), before);
    void* const second = arena_alloc(bytes);
    EXPECT_EQ(second, first);
    EXPECT_TRUE(all_zero(second, bytes)) << bytes;
    arena_free(second, bytes);
  }
}

TEST_F(Arena, Alignment_IsThatOfTheSize) {
  const auto alignment_of = [](size_t bytes) {
    const auto address = reinterpret_cast<uintptr_t>(arena_alloc(bytes));
    return address & (~address + 1);
  };
  (void)arena_alloc(32);  // what follows is not aligned by chance
  for (const size_t bytes : std::initializer_list<size_t>{32, 64, 512, 4096, 8192}) {
    EXPECT_GE(alignment_of(bytes), std::min<size_t>(bytes, 4096)) << bytes;
  }
  for (const size_t bytes : std::initializer_list<size_t>{192, 320, 576, 944, 4344})
    EXPECT_GE(alignment_of(bytes), 64u) << bytes;
  EXPECT_GE(alignment_of(33), 32u);
}

/// As in the caches of a processor, where the address modulo their size decides.
TEST_F(Arena, LargeObjects_DoNotAllBeginAtTheSameLinesOfAPage) {
  std::set<uintptr_t> lines;
  for (int i = 0; i < 64; ++i) lines.insert(reinterpret_cast<uintptr_t>(arena_alloc(4344)) % 4096 / 64);
  EXPECT_GE(lines.size(), 8u);
}

TEST_F(Arena, Full_IsNull_AndWhatFitsIsStillHandedOut) {
  EXPECT_EQ(arena_alloc(2 * kArenaBytes), nullptr);
  EXPECT_EQ(arena_alloc(SIZE_MAX), nullptr);
  size_t count = 0;
  while (arena_alloc(4096) != nullptr) ++count;
  EXPECT_GT(count, kArenaBytes / 4096 / 2);
  EXPECT_LT(count, kArenaBytes / 4096);
}

}  // namespace
}  // namespace hv::testing
