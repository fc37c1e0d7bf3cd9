#include "sim/engine/machine_memory.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "sim/engine/rng.hpp"

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

TEST(MachineMemory, NotFrozen_HasNoMoments) {
  MachineMemory memory(kAddress, kBytes);
  EXPECT_THROW(static_cast<void>(memory.take()), std::logic_error);
  EXPECT_THROW(memory.rewind(), std::logic_error);
  EXPECT_THROW(memory.go_back({}), std::logic_error);
}

TEST(MachineMemory, FreezeTwice_IsRefused) {
  MachineMemory memory(kAddress, kBytes);
  memory.freeze();
  EXPECT_THROW(memory.freeze(), std::logic_error);
  memory.clear();
  memory.freeze();
}

TEST(MachineMemory, MomentOfOtherFrozenContents_IsRefused) {
  MachineMemory memory(kAddress, kBytes);
  MachineMemory other(kAddress, kBytes);
  memory.freeze();
  other.freeze();
  const MachineMemory::Moment moment = memory.take();
  EXPECT_THROW(other.go_back(moment), std::logic_error);
  memory.clear();
  memory.freeze();
  EXPECT_THROW(memory.go_back(moment), std::logic_error);
}

TEST(MachineMemory, GoBack_ComesForwardAgain) {
  MachineMemory memory(kAddress, kBytes);
  memory.freeze();
  memory.data()[5] = 1;
  const MachineMemory::Moment first = memory.take();
  memory.data()[5] = 2;
  memory.data()[kBytes - 1] = 2;
  const MachineMemory::Moment second = memory.take();
  memory.go_back(first);
  EXPECT_EQ(memory.data()[5], 1);
  EXPECT_EQ(memory.data()[kBytes - 1], 0);
  memory.go_back(second);
  EXPECT_EQ(memory.data()[5], 2);
  EXPECT_EQ(memory.data()[kBytes - 1], 2);
}

TEST(MachineMemory, PageLeftAloneForLong_IsStillNoticed) {
  MachineMemory memory(kAddress, kBytes);
  memory.freeze();
  memory.data()[0] = 1;
  const MachineMemory::Moment moment = memory.take();
  for (unsigned sweep = 0; sweep <= 2 * DirtyPages::kIdleSweepsMax; ++sweep) memory.go_back(moment);
  memory.data()[0] = 2;
  memory.go_back(moment);
  EXPECT_EQ(memory.data()[0], 1);
}

TEST(MachineMemory, EndOfMemory_NeedNotFillAFault) {
  constexpr uint64_t kOddBytes = 4096 * (DirtyPages::kPagesPerFault + 1);
  MachineMemory memory(kAddress, kOddBytes);
  memory.freeze();
  memory.data()[kOddBytes - 1] = 1;
  memory.rewind();
  EXPECT_EQ(memory.data()[kOddBytes - 1], 0);
}

// More islands of written pages than the kernel allows a process mappings for (vm.max_map_count, 65530 by default).
TEST(MachineMemory, MoreIslandsThanMappings_AreAllRestored) {
  constexpr uint64_t kManyBytes = uint64_t{1100} << 20;
  constexpr uint64_t kStride = uint64_t{2} * DirtyPages::kPagesPerFault * 4096;
  MachineMemory memory(kAddress, kManyBytes);
  memory.freeze();
  for (int again = 0; again < 2; ++again) {
    for (uint64_t at = 0; at < kManyBytes; at += kStride) memory.data()[at] = 1;
    memory.rewind();
    uint64_t left = 0;
    for (uint64_t at = 0; at < kManyBytes; at += kStride) left += memory.data()[at];
    EXPECT_EQ(left, 0u);
  }
}

TEST(MachineMemory, WritesOfAnotherThread_AreNoticed) {
  MachineMemory memory(kAddress, kBytes);
  memory.freeze();
  std::vector<std::thread> writers;
  for (uint64_t i = 0; i < 4; ++i) {
    writers.emplace_back([&memory, i] {
      for (uint64_t at = i; at < kBytes; at += 512) memory.data()[at] = 1;
    });
  }
  for (std::thread& writer : writers) writer.join();
  memory.rewind();
  EXPECT_EQ(std::count(memory.data(), memory.data() + kBytes, 0), static_cast<std::ptrdiff_t>(kBytes));
}

TEST(MachineMemory, ForkedProcess_HasItsOwn) {
  MachineMemory memory(kAddress, kBytes);
  memory.freeze();
  memory.data()[0] = 1;
  const MachineMemory::Moment moment = memory.take();
  const pid_t child = fork();
  if (child == 0) {
    memory.data()[0] = 2;
    memory.data()[kBytes / 2] = 2;
    memory.go_back(moment);
    _exit(memory.data()[0] == 1 && memory.data()[kBytes / 2] == 0 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(memory.data()[0], 1);
  EXPECT_EQ(memory.data()[kBytes / 2], 0);
}

/// Memory and moments against plain copies of all of it.
class Twin {
 public:
  explicit Twin(Rng rng) : rng_(rng), memory_(kAddress, kTwinBytes) {
    write_some();
    memory_.freeze();
    frozen_ = plain();
  }
  void write_some() {
    const uint64_t start = rng_.below(kTwinBytes);
    for (uint64_t left = rng_.below(12); left > 0; --left) {
      const uint64_t at = rng_.below(2) == 0 ? rng_.below(kTwinBytes) : (start + rng_.below(16 * 4096)) % kTwinBytes;
      memory_.data()[at] = static_cast<uint8_t>(rng_.below(3));  // often what is there already
    }
  }
  void take() {
    moments_.push_back({memory_.take(), plain()});
    if (moments_.size() > kMomentsMax) moments_.erase(moments_.begin() + static_cast<long>(rng_.below(kMomentsMax)));
  }
  [[nodiscard]] bool go_back() {
    if (moments_.empty()) return true;
    const auto& [moment, contents] = moments_[rng_.below(moments_.size())];
    memory_.go_back(moment);
    return plain() == contents;
  }
  [[nodiscard]] bool rewind() {
    memory_.rewind();
    return plain() == frozen_;
  }
  [[nodiscard]] bool act() {
    write_some();
    const uint64_t choice = rng_.below(8);
    if (choice < 3) take();
    if (choice == 7) return rewind();
    return choice < 5 || go_back();
  }

 private:
  static constexpr uint64_t kTwinBytes = 75 * 4096;
  static constexpr size_t kMomentsMax = 20;
  using Contents = std::vector<uint8_t>;
  [[nodiscard]] Contents plain() const { return {memory_.data(), memory_.data() + kTwinBytes}; }

  Rng rng_;
  MachineMemory memory_;
  Contents frozen_;
  std::vector<std::pair<MachineMemory::Moment, Contents>> moments_;
};

TEST(MachineMemory, AnyOrderOfMoments_IsWhatPlainCopiesSay) {
  Twin one(Rng(1).fork("one"));
  Twin other(Rng(1).fork("other"));
  for (unsigned step = 0; step < 3000; ++step) {
    ASSERT_TRUE(one.act()) << "step " << step;
    ASSERT_TRUE(other.act()) << "step " << step;
  }
}

}  // namespace
}  // namespace assay
