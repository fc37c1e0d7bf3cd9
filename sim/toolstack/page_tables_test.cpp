#include "sim/toolstack/page_tables.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <optional>

#include "sim/toolstack/testing/fake_layout.hpp"

namespace assay::toolstack {
namespace {

constexpr uint64_t kFirstMfn = 0x12345;

/// Page tables as the processor would walk them: frames are found by searching the p2m list.
class Walk {
 public:
  explicit Walk(uint64_t pages) : plan_(plan_memory(testing::fake_layout(), GuestType::kPv64, pages)), p2m_(pages) {
    std::iota(p2m_.rbegin(), p2m_.rend(), kFirstMfn);  // not in order, as a real allocator might
    bytes_ = build_page_tables(plan_, p2m_);
  }

  /// The L1 entry for `va`, or nothing when an upper level is empty or points at a frame that is no table.
  [[nodiscard]] std::optional<uint64_t> l1(Gva va) const {
    uint64_t table = plan_.page_tables.first.raw();
    for (unsigned level = 4; level > 1; --level) {
      const uint64_t value = read(table, table_index(va, level));
      if ((value & kPtePresent) == 0) return std::nullopt;
      EXPECT_EQ(value & ~kPteFrame, kTableAttributes);
      table = pfn_of((value & kPteFrame) >> kPageShift);
      if (!is_table(table)) return std::nullopt;
    }
    return read(table, table_index(va, 1));
  }
  [[nodiscard]] bool is_table(uint64_t pfn) const {
    return pfn >= plan_.page_tables.first.raw() && pfn < plan_.page_tables.end().raw();
  }

  MemoryPlan plan_;
  std::vector<uint64_t> p2m_;

 private:
  [[nodiscard]] uint64_t pfn_of(uint64_t mfn) const { return kFirstMfn + p2m_.size() - 1 - mfn; }
  [[nodiscard]] uint64_t read(uint64_t table_pfn, unsigned index) const {
    uint64_t value = 0;
    const uint64_t table = table_pfn - plan_.page_tables.first.raw();
    std::memcpy(&value, &bytes_[table * kPageSize + index * sizeof value], sizeof value);
    return value;
  }
  std::vector<std::byte> bytes_;
};

TEST(PageTables, EveryPage_IsMappedAtItsPlace_TablesReadOnly) {
  for (const uint64_t pages : {1024u, 1500u, 4096u}) {
    const Walk walk(pages);
    for (uint64_t pfn = 0; pfn < pages; ++pfn) {
      const std::optional<uint64_t> entry = walk.l1(walk.plan_.va(Pfn{pfn}));
      ASSERT_TRUE(entry.has_value()) << pfn;
      EXPECT_EQ((*entry & kPteFrame) >> kPageShift, walk.p2m_[pfn]) << pfn;
      EXPECT_EQ((*entry & kPteWritable) == 0, walk.is_table(pfn)) << pfn;
    }
  }
}

TEST(PageTables, NothingElse_IsMapped) {
  const Walk walk(1500);
  EXPECT_EQ(walk.l1(walk.plan_.va(Pfn{1500})), 0u);
  EXPECT_EQ(walk.l1(walk.plan_.va(Pfn{2047})), 0u);
  EXPECT_FALSE(walk.l1(walk.plan_.va(Pfn{2048})).has_value());
  EXPECT_FALSE(walk.l1(Gva{0}).has_value());
  EXPECT_FALSE(walk.l1(Gva{0xffff800000000000}).has_value());
}

}  // namespace
}  // namespace assay::toolstack
