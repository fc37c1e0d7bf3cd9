#include "sim/engine/machine_memory.hpp"

#include <gtest/gtest.h>

namespace assay {
namespace {

constexpr uintptr_t kAddress = 0x180000000000;
constexpr uint64_t kBytes = 1u << 20;

TEST(MachineMemory, Clear_IsZeroAgain) {
  MachineMemory memory(kAddress, kBytes);
  memory.data()[kBytes - 1] = 7;
  memory.clear();
  EXPECT_EQ(memory.data()[kBytes - 1], 0);
}

TEST(MachineMemory, Rewind_BringsBackTheFrozenContents) {
  MachineMemory memory(kAddress, kBytes);
  memory.data()[0] = 1;
  memory.freeze();
  memory.data()[0] = 2;
  memory.data()[8192] = 3;
  memory.rewind();
  EXPECT_EQ(memory.data()[0], 1);
  EXPECT_EQ(memory.data()[8192], 0);
}

TEST(MachineMemory, ClearAfterFreeze_ForgetsTheFrozenContents) {
  MachineMemory memory(kAddress, kBytes);
  memory.data()[0] = 1;
  memory.freeze();
  memory.clear();
  EXPECT_EQ(memory.data()[0], 0);
}

TEST(MachineMemory, Address_IsTheSameEachTime) {
  const uint8_t* const first = MachineMemory(kAddress, kBytes).data();
  const uint8_t* const second = MachineMemory(kAddress, kBytes).data();
  EXPECT_EQ(first, second);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first), kAddress);
}

TEST(MachineMemory, Taken_GoesToTheNextPlace) {
  const MachineMemory first(kAddress, kBytes);
  const MachineMemory second(kAddress, kBytes);
  EXPECT_NE(first.data(), second.data());
}

TEST(MachineMemory, NearAndInside_TellGuardsApart) {
  const MachineMemory memory(kAddress, kBytes);
  const auto start = reinterpret_cast<uintptr_t>(memory.data());
  EXPECT_TRUE(memory.inside(start));
  EXPECT_FALSE(memory.inside(start + kBytes));
  EXPECT_TRUE(memory.near(start + kBytes));
  EXPECT_TRUE(memory.near(start - 1));
  EXPECT_FALSE(memory.near(start + kBytes + MachineMemory::kGuardBytes));
}

}  // namespace
}  // namespace assay
