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

void put_command_line(const std::string& text, std::span<char> place) {
  if (text.size() >= place.size()) {
    throw ToolstackError("the command line has " + std::to_string(text.size()) + " characters; at most " +
                         std::to_string(place.size() - 1) + " fit");
  }
  std::ranges::copy(text, place.begin());
}

start_info make_start_info(const MemoryPlan& plan, std::span<const uint64_t> p2m, uint64_t shared_info_frame,
                           const BootExtras& extras) {
  start_info info;
  std::memset(&info, 0, sizeof info);
  std::memcpy(info.magic, kPvMagic, sizeof kPvMagic);
  info.nr_pages = plan.pages;
  info.shared_info = shared_info_frame << kPageShift;
  info.pt_base = plan.va(plan.page_tables.first).raw();
  info.nr_pt_frames = plan.page_tables.count;
  info.mfn_list = plan.va(plan.p2m.first).raw();
  if (plan.store_ring.count != 0) {
    info.store_mfn = p2m[plan.store_ring.first.raw()];
    info.store_evtchn = extras.store_port;
    info.console.domU.mfn = p2m[plan.console_ring.first.raw()];
    info.console.domU.evtchn = extras.console_port;
  }
  if (extras.initrd_bytes != 0) {
    info.mod_start = extras.initrd_by_frame ? plan.initrd.first.raw() : plan.va(plan.initrd.first).raw();
    info.mod_len = extras.initrd_bytes;
    if (extras.initrd_by_frame) info.flags |= SIF_MOD_START_PFN;
  }
  static_assert(sizeof info.cmd_line == MAX_GUEST_CMDLINE);
  put_command_line(extras.command_line, std::span(reinterpret_cast<char*>(info.cmd_line), sizeof info.cmd_line));
  return info;
}

/// Memory map, modules and command line lie behind hvm_start_info in its page.
struct PvhBootPage {
  hvm_start_info info;
  hvm_memmap_table_entry map[3];
  hvm_modlist_entry initrd;
  char command_line[2048];
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

std::vector<std::byte> pv_boot_bytes(const MemoryPlan& plan, std::span<const uint64_t> p2m, uint64_t shared_info_frame,
                                     const BootExtras& extras) {
  const Frames elements = plan.boot_elements();
  std::vector<std::byte> bytes(elements.count * kPageSize);
  const auto put = [&](const Frames& at, const void* data, size_t size) {
    std::memcpy(&bytes[(at.first.raw() - elements.first.raw()) * kPageSize], data, size);
  };
  const start_info info = make_start_info(plan, p2m, shared_info_frame, extras);
  const std::vector<std::byte> tables = build_page_tables(plan, p2m);
  put(plan.p2m, p2m.data(), p2m.size_bytes());
  put(plan.start_info, &info, sizeof info);
  put(plan.page_tables, tables.data(), tables.size());
  return bytes;
}

std::vector<MemoryRange> pvh_memory_map(const MemoryPlan& plan) {
  if (plan.store_ring.count == 0) return {{0, plan.pages * kPageSize, XEN_HVM_MEMMAP_TYPE_RAM}};
  const uint64_t acpi = plan.acpi.first.raw() * kPageSize;
  const uint64_t rings = plan.store_ring.first.raw() * kPageSize;
  return {{0, acpi, XEN_HVM_MEMMAP_TYPE_RAM},
          {acpi, kPageSize, XEN_HVM_MEMMAP_TYPE_ACPI},
          {rings, 2 * kPageSize, XEN_HVM_MEMMAP_TYPE_RESERVED}};
}

std::vector<std::byte> pvh_boot_bytes(const MemoryPlan& plan, const BootExtras& extras) {
  const uint64_t physical = plan.start_info.first.raw() * kPageSize;
  PvhBootPage page;
  std::memset(&page, 0, sizeof page);
  page.info.magic = XEN_HVM_START_MAGIC_VALUE;
  page.info.version = kHvmStartInfoVersion;
  page.info.cmdline_paddr = physical + offsetof(PvhBootPage, command_line);
  page.info.memmap_paddr = physical + offsetof(PvhBootPage, map);
  const std::vector<MemoryRange> map = pvh_memory_map(plan);
  page.info.memmap_entries = static_cast<uint32_t>(map.size());
  for (size_t i = 0; i < map.size(); ++i) page.map[i] = {map[i].start, map[i].bytes, map[i].type, 0};
  if (plan.acpi.count != 0) page.info.rsdp_paddr = plan.acpi.first.raw() * kPageSize;
  if (extras.initrd_bytes != 0) {
    page.info.nr_modules = 1;
    page.info.modlist_paddr = physical + offsetof(PvhBootPage, initrd);
    page.initrd.paddr = plan.initrd.first.raw() * kPageSize;
    page.initrd.size = extras.initrd_bytes;
  }
  put_command_line(extras.command_line, page.command_line);
  std::vector<std::byte> bytes(kPageSize);
  std::memcpy(bytes.data(), &page, sizeof page);
  return bytes;
}

std::vector<std::byte> kernel_bytes(const MemoryPlan& plan, const KernelImage& image) {
  std::vector<std::byte> bytes(plan.image.count * kPageSize);
  for (const KernelSegment& segment : image.segments) {
    std::ranges::copy(segment.file_bytes, bytes.begin() + static_cast<std::ptrdiff_t>(segment.physical));
  }
  return bytes;
}

}  // namespace assay::toolstack
