#include "sim/toolstack/boot_data.hpp"

#include <algorithm>
#include <cstring>

#include "sim/abi/xen.hpp"
#include "sim/toolstack/page_tables.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay::toolstack {

namespace {

constexpr char kPvMagic[] = "xen-3.0-x86_64";
constexpr uint32_t kHvmStartInfoVersion = 1;

start_info make_start_info(const MemoryPlan& plan, uint64_t shared_info_frame) {
  start_info info;
  std::memset(&info, 0, sizeof info);
  std::memcpy(info.magic, kPvMagic, sizeof kPvMagic);
  info.nr_pages = plan.pages;
  info.shared_info = shared_info_frame << kPageShift;
  info.pt_base = plan.va(plan.page_tables.first).raw();
  info.nr_pt_frames = plan.page_tables.count;
  info.mfn_list = plan.va(plan.p2m.first).raw();
  return info;
}

/// Memory map and command line lie behind hvm_start_info in its page.
struct PvhBootPage {
  hvm_start_info info;
  hvm_memmap_table_entry ram;
  char command_line[8];
};
static_assert(sizeof(PvhBootPage) <= kPageSize);

}  // namespace

std::vector<std::byte> image_bytes(const MemoryPlan& plan, const AgentImage& image) {
  std::vector<std::byte> bytes(plan.image.count * kPageSize);
  const uint64_t base = plan.image.first.raw() * kPageSize;
  for (const ImageSegment& segment : image.segments) {
    const uint64_t offset = segment.physical_address - base;
    if (offset > bytes.size() || segment.file_bytes.size() > bytes.size() - offset) {
      throw ToolstackError("the image has content in its heap");
    }
    std::ranges::copy(segment.file_bytes, bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  return bytes;
}

std::vector<std::byte> pv_boot_bytes(const MemoryPlan& plan, std::span<const uint64_t> p2m,
                                     uint64_t shared_info_frame) {
  const Frames elements = plan.boot_elements();
  std::vector<std::byte> bytes(elements.count * kPageSize);
  const auto put = [&](const Frames& at, const void* data, size_t size) {
    std::memcpy(&bytes[(at.first.raw() - elements.first.raw()) * kPageSize], data, size);
  };
  const start_info info = make_start_info(plan, shared_info_frame);
  const std::vector<std::byte> tables = build_page_tables(plan, p2m);
  put(plan.p2m, p2m.data(), p2m.size_bytes());
  put(plan.start_info, &info, sizeof info);
  put(plan.page_tables, tables.data(), tables.size());
  return bytes;
}

std::vector<std::byte> pvh_boot_bytes(const MemoryPlan& plan) {
  const uint64_t physical = plan.start_info.first.raw() * kPageSize;
  PvhBootPage page;
  std::memset(&page, 0, sizeof page);
  page.info.magic = XEN_HVM_START_MAGIC_VALUE;
  page.info.version = kHvmStartInfoVersion;
  page.info.cmdline_paddr = physical + offsetof(PvhBootPage, command_line);
  page.info.memmap_paddr = physical + offsetof(PvhBootPage, ram);
  page.info.memmap_entries = 1;
  page.ram.size = plan.pages * kPageSize;
  page.ram.type = XEN_HVM_MEMMAP_TYPE_RAM;
  std::vector<std::byte> bytes(kPageSize);
  std::memcpy(bytes.data(), &page, sizeof page);
  return bytes;
}

}  // namespace assay::toolstack
