#include "hv/mm/guest_walk.hpp"

#include "hv/mm/stage2.hpp"
#include "hv/mm/testing/machine.hpp"

namespace hv::testing {

namespace {

constexpr uint64_t kPaging = 1u << 31;
constexpr uint64_t kWriteProtect = 1u << 16;
constexpr uint64_t kLongMode = 1u << 10;
constexpr uint64_t kPae = 1u << 5;
constexpr uint64_t kPse = 1u << 4;

/// An HVM guest with 16 pages of RAM from 0, whose page tables a test writes by guest-physical address.
class HvmWalk : public MemoryTest {
 protected:
  HvmWalk() {
    for (uint64_t gfn = 0; gfn < 16; ++gfn) EXPECT_TRUE(stage2_map(hvm_, Gfn{gfn}, page(hvm_)).ok());
  }

  template <typename T>
  T& ram(uint64_t gpa) {
    return *reinterpret_cast<T*>(stage2_bytes(hvm_, Gpa{gpa}, true));
  }
  [[nodiscard]] uint8_t* walk(uint64_t va, Access access = Access::kRead) const {
    return guest_bytes({const_cast<DomainMemory*>(&hvm_), &regs_}, Gva{va}, access);
  }
  /// Four levels at pages 1..4; `leaf` for va 0.
  void long_mode(uint64_t leaf) {
    regs_.cr0 = kPaging | kWriteProtect;
    regs_.cr4 = kPae;
    regs_.efer = kLongMode;
    regs_.cr3 = 0x1000;
    ram<uint64_t>(0x1000) = 0x2000 | kReadWrite;
    ram<uint64_t>(0x2000) = 0x3000 | kReadWrite;
    ram<uint64_t>(0x3000) = 0x4000 | kReadWrite;
    ram<uint64_t>(0x4000) = leaf;
  }

  assay_regs regs_{};
};

TEST_F(HvmWalk, WithoutPaging_AddressesAreGuestPhysical) {
  EXPECT_EQ(walk(0x5010), &ram<uint8_t>(0x5010));
  EXPECT_EQ(walk(0x10000), nullptr);
}

TEST_F(HvmWalk, LongMode_SupervisorPage_IsReached_AdBitsAreSet) {
  long_mode(0x5000 | kReadWrite);
  EXPECT_EQ(walk(0x123, Access::kWrite), &ram<uint8_t>(0x5123));
  EXPECT_EQ(ram<uint64_t>(0x4000) & (kPteAccessed | kPteDirty), kPteAccessed | kPteDirty);
  EXPECT_EQ(ram<uint64_t>(0x3000) & (kPteAccessed | kPteDirty), kPteAccessed);
}

TEST_F(HvmWalk, ReadOnlyPage_WritableOnlyWithoutWriteProtect) {
  long_mode(0x5000 | kReadOnly);
  EXPECT_EQ(walk(0, Access::kWrite), nullptr);
  EXPECT_NE(walk(0, Access::kRead), nullptr);
  regs_.cr0 = kPaging;
  EXPECT_NE(walk(0, Access::kWrite), nullptr);
}

TEST_F(HvmWalk, LargePages_AtBothLevels) {
  long_mode(0);
  ram<uint64_t>(0x3000) = kReadWrite | kPteLarge;
  EXPECT_EQ(walk(0x7008), &ram<uint8_t>(0x7008));
  ram<uint64_t>(0x2000) = kReadWrite | kPteLarge;
  EXPECT_EQ(walk(0x8008), &ram<uint8_t>(0x8008));
}

TEST_F(HvmWalk, NotCanonical_NotPresent_TableOutsideRam_AreNothing) {
  long_mode(0x5000 | kReadWrite);
  EXPECT_EQ(walk(uint64_t{1} << 47), nullptr);
  EXPECT_EQ(walk(0x1000), nullptr);
  ram<uint64_t>(0x2000) = uint64_t{0x999} << 12 | kReadWrite;
  EXPECT_EQ(walk(0), nullptr);
}

TEST_F(HvmWalk, TableInReadOnlyMemory_KeepsItsBits) {
  long_mode(0x5000 | kReadWrite);
  const Mfn table = stage2_lookup(hvm_, Gfn{4}).mfn;
  ASSERT_TRUE(stage2_map(hvm_, Gfn{4}, table, false).ok());
  EXPECT_NE(walk(0), nullptr);
  EXPECT_EQ(entry(table, 0) & kPteAccessed, 0u);
}

TEST_F(HvmWalk, TwoLevels_SmallAndLarge) {
  regs_.cr0 = kPaging;
  regs_.cr3 = 0x1000;
  ram<uint32_t>(0x1000) = 0x2000 | kReadWrite;
  ram<uint32_t>(0x2004) = 0x6000 | kReadWrite;
  EXPECT_EQ(walk(0x1004), &ram<uint8_t>(0x6004));
  ram<uint32_t>(0x1000) = kReadWrite | kPteLarge;
  regs_.cr4 = kPse;
  EXPECT_EQ(walk(0x1004), &ram<uint8_t>(0x1004));
}

TEST_F(HvmWalk, ThreeLevels_RootHasNoRights) {
  regs_.cr0 = kPaging | kWriteProtect;
  regs_.cr4 = kPae;
  regs_.cr3 = 0x1020;
  ram<uint64_t>(0x1020) = 0x2000 | kPtePresent;
  ram<uint64_t>(0x2000) = 0x3000 | kReadWrite;
  ram<uint64_t>(0x3000) = 0x7000 | kReadWrite;
  EXPECT_EQ(walk(0xabc, Access::kWrite), &ram<uint8_t>(0x7abc));
  EXPECT_EQ(ram<uint64_t>(0x1020), 0x2000 | kPtePresent);
}

}  // namespace

}  // namespace hv::testing
