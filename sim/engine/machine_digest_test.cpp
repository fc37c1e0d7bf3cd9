#include "sim/engine/machine_digest.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace assay {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

// Digests are compared between compilers, optimisation levels and machines.
TEST(MachineDigest, KnownSequence_HasAFixedValue) {
  MachineDigest digest;
  EXPECT_EQ(digest.value(), 6307257811301869934u);
  digest.fold(1, 2, 3, 4);
  digest.fold(5);
  digest.fold_bytes(bytes_of("a sentence that is longer than one step"));
  EXPECT_EQ(digest.value(), 9009656536324604702u);
}

TEST(MachineDigest, OrderCounts) {
  MachineDigest a;
  MachineDigest b;
  a.fold(1);
  a.fold(2);
  b.fold(2);
  b.fold(1);
  EXPECT_NE(a.value(), b.value());
}

TEST(MachineDigest, LaneCounts) {
  MachineDigest a;
  MachineDigest b;
  a.fold(1, 0);
  b.fold(0, 1);
  EXPECT_NE(a.value(), b.value());
}

TEST(MachineDigest, TrailingZeroesCount) {
  MachineDigest a;
  MachineDigest b;
  a.fold_bytes(bytes_of(std::string_view("x\0", 1)));
  b.fold_bytes(bytes_of(std::string_view("x\0", 2)));
  EXPECT_NE(a.value(), b.value());
}

}  // namespace
}  // namespace assay
