/// Frame numbers in page tables, contexts and p2m lists, from machine frames to pfns and back.
#include <gtest/gtest.h>

#include <array>
#include <cstring>

#include "sim/abi/page_entry.hpp"
#include "sim/toolstack/migration/guest_p2m.hpp"
#include "sim/toolstack/migration/page_tables.hpp"
#include "sim/toolstack/migration/vcpu_context.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::migration {
namespace {

constexpr uint64_t kShift = 1000;

std::optional<uint64_t> to_pfn(uint64_t mfn) {
  return mfn >= kShift ? std::optional(mfn - kShift) : std::nullopt;
}
std::optional<uint64_t> to_mfn(uint64_t pfn) {
  return pfn + kShift;
}
uint64_t entry_of(uint64_t frame, uint64_t flags) {
  return frame << kPageShift | flags;
}

TEST(PageTables, ThereAndBack_AreTheSame) {
  std::array<uint64_t, kEntries> table{};
  for (unsigned i = 0; i < kEntries; ++i) table[i] = entry_of(kShift + i, i % 3 == 0 ? 0 : kLeafRw | kPteNoExecute);
  const auto before = table;
  EXPECT_FALSE(translate_table(table, 1, to_pfn));
  EXPECT_EQ(table[1], entry_of(1, kLeafRw | kPteNoExecute));
  EXPECT_EQ(table[3], before[3]) << "what is not present is left alone";
  EXPECT_FALSE(translate_table(table, 1, to_mfn));
  EXPECT_EQ(table, before);
}

TEST(PageTables, HypervisorsSlots_BecomeZeroInRootsOnly) {
  for (const unsigned level : {3u, 4u}) {
    std::array<uint64_t, kEntries> table{};
    table.fill(entry_of(kShift + 7, kBranch));
    EXPECT_FALSE(translate_table(table, level, to_pfn));
    EXPECT_EQ(table[kXenSlotFirst - 1], entry_of(7, kBranch));
    EXPECT_EQ(table[kXenSlotFirst], level == 4 ? 0 : entry_of(7, kBranch));
    EXPECT_EQ(table[kXenSlotLast], level == 4 ? 0 : entry_of(7, kBranch));
    EXPECT_EQ(table[kXenSlotLast + 1], entry_of(7, kBranch));
  }
}

TEST(PageTables, FrameThatIsNotTheDomains_IsNamed) {
  std::array<uint64_t, kEntries> table{};
  table[300] = entry_of(kShift - 1, kLeafRw);
  EXPECT_EQ(translate_table(table, 1, to_pfn), 300u);
  table[300] &= ~kPtePresent;
  EXPECT_FALSE(translate_table(table, 1, to_pfn));
}

vcpu_guest_context sample_context() {
  vcpu_guest_context context;
  std::memset(&context, 0, sizeof context);
  context.ctrlreg[3] = xen_pfn_to_cr3(kShift + 1);
  context.ctrlreg[1] = xen_pfn_to_cr3(kShift + 2);
  context.gdt_ents = 513;
  context.gdt_frames[0] = kShift + 3;
  context.gdt_frames[1] = kShift + 4;
  context.user_regs.rdx = kShift + 5;
  return context;
}

TEST(VcpuContext, EveryFrame_IsTranslated) {
  vcpu_guest_context context = sample_context();
  EXPECT_EQ(translate_context(context, 0, to_pfn), "");
  EXPECT_EQ(xen_cr3_to_pfn(context.ctrlreg[3]), 1u);
  EXPECT_EQ(xen_cr3_to_pfn(context.ctrlreg[1]), 2u);
  EXPECT_EQ(context.gdt_frames[0], 3u);
  EXPECT_EQ(context.gdt_frames[1], 4u);
  EXPECT_EQ(context.user_regs.rdx, 5u);
  EXPECT_EQ(translate_context(context, 0, to_mfn), "");
  const vcpu_guest_context before = sample_context();
  EXPECT_EQ(std::memcmp(&context, &before, sizeof context), 0);
}

TEST(VcpuContext, FurtherVcpus_KeepTheirRdx) {
  vcpu_guest_context context = sample_context();
  context.user_regs.rdx = 5;
  EXPECT_EQ(translate_context(context, 1, to_pfn), "");
  EXPECT_EQ(context.user_regs.rdx, 5u);
  EXPECT_EQ(translate_context(context, 0, to_pfn), "ctrlreg[3]") << "it names pfns already";
}

TEST(VcpuContext, FrameThatIsNotTheDomains_IsNamed) {
  const auto said = [](auto change) {
    vcpu_guest_context context = sample_context();
    change(context);
    return translate_context(context, 0, to_pfn);
  };
  EXPECT_EQ(said([](auto& c) { c.ctrlreg[3] = 0; }), "ctrlreg[3]");
  EXPECT_EQ(said([](auto& c) { c.ctrlreg[1] = xen_pfn_to_cr3(1); }), "ctrlreg[1]");
  EXPECT_EQ(said([](auto& c) { c.ctrlreg[1] = 0; }), "") << "a vCPU need not have a root of its user's";
  EXPECT_EQ(said([](auto& c) { c.gdt_frames[1] = 1; }), "gdt_frames[1]");
  EXPECT_EQ(said([](auto& c) { c.gdt_ents = 65'536; }), "gdt_ents");
  EXPECT_EQ(said([](auto& c) { c.user_regs.rdx = 1; }), "rdx, the frame of start_info");
}

TEST(GuestP2m, ReverseIsThat_AndHolesAreNone) {
  const GuestP2m p2m = make_p2m({70, GuestP2m::kNoFrame, 50, uint64_t{1} << 62 | 9, 60});
  EXPECT_EQ(p2m.pfn_of(70), 0u);
  EXPECT_EQ(p2m.pfn_of(50), 2u);
  EXPECT_EQ(p2m.pfn_of(60), 4u);
  EXPECT_EQ(p2m.pfn_of(9), std::nullopt);
  EXPECT_EQ(p2m.pfn_of(GuestP2m::kNoFrame), std::nullopt);
  EXPECT_EQ(p2m.mfns[3], GuestP2m::kNoFrame) << "memory of somebody else";
}

TEST(GuestP2m, FrameThatIsThereTwice_IsRefused) {
  EXPECT_THROW(make_p2m({1, 2, 1}), ToolstackError);
}

}  // namespace
}  // namespace assay::migration
