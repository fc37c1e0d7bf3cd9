#include "sim/toolstack/boot_data.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/testing/fake_layout.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {
namespace {

AgentImage image_with(uint64_t physical, const std::string& content) {
  AgentImage image;
  image.layout = testing::fake_layout();
  const auto bytes = std::as_bytes(std::span(content));
  image.segments.push_back(
      {image.layout.virt_base + physical, physical, {bytes.begin(), bytes.end()}, 2 * kPageSize, true});
  return image;
}

TEST(BootData, ImageBytes_PutSegmentsInPlaceAndZeroesElsewhere) {
  const MemoryPlan plan = plan_memory(testing::fake_layout(), GuestType::kPv64, 1024);
  const std::vector<std::byte> bytes = image_bytes(plan, image_with(257 * kPageSize + 8, "agent"));
  ASSERT_EQ(bytes.size(), 144 * kPageSize);
  EXPECT_EQ(std::memcmp(&bytes[kPageSize + 8], "agent", 5), 0);
  EXPECT_EQ(bytes[kPageSize + 7], std::byte{0});
  EXPECT_EQ(bytes[kPageSize + 13], std::byte{0});
}

TEST(BootData, ImageBytes_ContentInTheHeap_IsRefused) {
  const MemoryPlan plan = plan_memory(testing::fake_layout(), GuestType::kPv64, 1024);
  EXPECT_THROW(image_bytes(plan, image_with(400 * kPageSize - 1, "agent")), ToolstackError);
  EXPECT_THROW(image_bytes(plan, image_with(255 * kPageSize, "agent")), ToolstackError);
}

TEST(BootData, PvBootBytes_HaveTheListAndStartInfo) {
  const MemoryPlan plan = plan_memory(testing::fake_layout(), GuestType::kPv64, 1024);
  std::vector<uint64_t> p2m(1024);
  std::iota(p2m.begin(), p2m.end(), 5000);
  const std::vector<std::byte> bytes = pv_boot_bytes(plan, p2m, 0x77);
  EXPECT_EQ(std::memcmp(bytes.data(), p2m.data(), 1024 * 8), 0);
  start_info info;
  std::memcpy(&info, &bytes[2 * kPageSize], sizeof info);
  EXPECT_STREQ(info.magic, "xen-3.0-x86_64");
  EXPECT_EQ(info.nr_pages, 1024u);
  EXPECT_EQ(info.shared_info, 0x77000u);
  EXPECT_EQ(info.pt_base, plan.va(plan.page_tables.first).raw());
  EXPECT_EQ(info.nr_pt_frames, 5u);
  EXPECT_EQ(info.mfn_list, plan.va(plan.p2m.first).raw());
  EXPECT_EQ(info.flags, 0u);
}

TEST(BootData, PvhBootBytes_DescribeMemory) {
  const MemoryPlan plan = plan_memory(testing::fake_layout(), GuestType::kPvh, 1024);
  const std::vector<std::byte> bytes = pvh_boot_bytes(plan);
  const uint64_t physical = plan.start_info.first.raw() * kPageSize;
  hvm_start_info info;
  std::memcpy(&info, bytes.data(), sizeof info);
  EXPECT_EQ(info.magic, static_cast<uint32_t>(XEN_HVM_START_MAGIC_VALUE));
  ASSERT_EQ(info.memmap_entries, 1u);
  hvm_memmap_table_entry ram;
  std::memcpy(&ram, &bytes[info.memmap_paddr - physical], sizeof ram);
  EXPECT_EQ(ram.addr, 0u);
  EXPECT_EQ(ram.size, 1024 * kPageSize);
  EXPECT_EQ(bytes[info.cmdline_paddr - physical], std::byte{0});
}

}  // namespace
}  // namespace assay::toolstack
