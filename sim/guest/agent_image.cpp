#include "sim/guest/agent_image.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <utility>

#include "sim/base/hex.hpp"
#include "sim/base/strong.hpp"
#include "sim/guest/elf_file.hpp"
#include "sim/guest/kernel_image.hpp"

namespace assay {

namespace {

constexpr uint64_t kAgentFileBytesMax = 64ull << 20;
/// The static page tables of the PVH agent reach this far.
constexpr uint64_t kImageBytesMax = 1ull << 30;
constexpr const char* kLayoutSection = ".assay.layout";

void require(bool condition, const std::string& message) {
  if (!condition) throw ElfError(message);
}

/// A range that an agent names must lie within the image, without wrapping.
void check_range(const assay_agent_layout& layout, const char* name, uint64_t start, uint64_t bytes) {
  const bool inside = start >= layout.image_start && start <= layout.image_end && bytes <= layout.image_end - start;
  require(inside, std::string("layout: ") + name + " at " + hex(start) + " lies outside the image");
}

void check_page(const assay_agent_layout& layout, const char* name, uint64_t start, uint64_t bytes) {
  require(start % kPageSize == 0, std::string("layout: ") + name + " is not page-aligned");
  check_range(layout, name, start, bytes);
}

uint64_t times(uint64_t count, uint64_t stride, const char* name) {
  require(stride <= kImageBytesMax, std::string("layout: ") + name + " is out of range");
  return count * stride;
}

void check_extent(const assay_agent_layout& layout) {
  const bool ordered = layout.virt_base <= layout.image_start && layout.image_start < layout.image_end;
  require(ordered, "layout: virt_base, image_start and image_end are not in order");
  require(layout.image_end - layout.virt_base <= kImageBytesMax, "layout: the image is larger than 1 GiB");
  const bool aligned =
      layout.virt_base % kPageSize == 0 && layout.image_start % kPageSize == 0 && layout.image_end % kPageSize == 0;
  require(aligned, "layout: the image is not page-aligned");
}

void check_layout(const assay_agent_layout& layout) {
  require(layout.magic == ASSAY_AGENT_MAGIC, "layout: wrong magic; this is not an agent");
  require(layout.version == ASSAY_AGENT_VERSION,
          "layout: version " + std::to_string(layout.version) + ", expected " + std::to_string(ASSAY_AGENT_VERSION));
  check_extent(layout);
  check_range(layout, "pv_entry", layout.pv_entry, 1);
  check_range(layout, "pvh_entry", layout.pvh_entry, 1);
  check_range(layout, "pv_secondary", layout.pv_secondary, 1);
  check_range(layout, "pvh_secondary", layout.pvh_secondary, 1);
  check_range(layout, "event_callback", layout.event_callback, 1);
  check_range(layout, "failsafe_callback", layout.failsafe_callback, 1);
  check_range(layout, "trap_handlers", layout.trap_handlers,
              times(ASSAY_ENTRY_COUNT_, layout.trap_handler_stride, "trap_handler_stride"));
  check_range(layout, "menu", layout.menu, times(ASSAY_INSTRUCTION_COUNT_, layout.menu_stride, "menu_stride"));
  check_range(layout, "user_menu", layout.user_menu,
              times(ASSAY_INSTRUCTION_COUNT_, layout.menu_stride, "menu_stride"));
  check_range(layout, "landing", layout.landing, 1);
  check_range(layout, "user_landing", layout.user_landing, 1);
  check_page(layout, "hypercall_page", layout.hypercall_page, kPageSize);
  check_page(layout, "shared_info", layout.shared_info, kPageSize);
  require(layout.mailbox_stride >= ASSAY_MAILBOX_BYTES && layout.mailbox_stride % kPageSize == 0,
          "layout: mailbox_stride does not fit a mailbox");
  check_page(layout, "mailboxes", layout.mailboxes,
             times(ASSAY_AGENT_VCPUS_MAX, layout.mailbox_stride, "mailbox_stride"));
  check_range(layout, "stacks", layout.stacks, times(ASSAY_AGENT_VCPUS_MAX, layout.stack_bytes, "stack_bytes"));
  require(layout.stack_bytes != 0 && layout.stack_bytes % 16 == 0, "layout: stack_bytes is not a multiple of 16");
  require(layout.boot_record_stride >= sizeof(assay_boot_record), "layout: boot_record_stride does not fit a record");
  check_range(layout, "boot_records", layout.boot_records,
              times(ASSAY_AGENT_VCPUS_MAX, layout.boot_record_stride, "boot_record_stride"));
  check_page(layout, "pvh_page_tables", layout.pvh_page_tables, kPageSize);
  require(layout.heap_start <= layout.heap_end, "layout: the heap ends before it starts");
  check_page(layout, "heap_start", layout.heap_start, layout.heap_end - layout.heap_start);
}

assay_agent_layout read_layout(const ElfFile& elf) {
  const std::span<const std::byte> bytes = elf.section(kLayoutSection);
  assay_agent_layout layout;
  require(bytes.size() >= sizeof layout, "section .assay.layout is too short");
  std::memcpy(&layout, bytes.data(), sizeof layout);
  check_layout(layout);
  return layout;
}

ImageSegment read_segment(const ElfFile& elf, const assay_agent_layout& layout, const Elf64_Phdr& header) {
  const std::string name = "segment at " + hex(header.p_vaddr);
  const std::span<const std::byte> bytes = elf.range(header.p_offset, header.p_filesz, name);
  require(header.p_filesz <= header.p_memsz, name + " has more bytes in the file than in memory");
  const bool inside = header.p_vaddr >= layout.image_start && header.p_vaddr <= layout.image_end &&
                      header.p_memsz <= layout.image_end - header.p_vaddr;
  require(inside, name + " lies outside the image");
  // Guests of both types find physical address 0 at virt_base.
  require(header.p_paddr == header.p_vaddr - layout.virt_base,
          name + " is to be loaded at physical " + hex(header.p_paddr) + ", not at its offset from virt_base");
  return {header.p_vaddr, header.p_paddr, {bytes.begin(), bytes.end()}, header.p_memsz, (header.p_flags & PF_W) != 0};
}

std::vector<ImageSegment> read_segments(const ElfFile& elf, const assay_agent_layout& layout) {
  std::vector<ImageSegment> segments;
  for (const Elf64_Phdr& header : elf.segments()) {
    if (header.p_type == PT_LOAD && header.p_memsz != 0) segments.push_back(read_segment(elf, layout, header));
  }
  require(!segments.empty(), "it has nothing to load");
  std::ranges::sort(segments, {}, &ImageSegment::virtual_address);
  for (size_t i = 1; i < segments.size(); ++i) {
    const ImageSegment& before = segments[i - 1];
    require(before.virtual_address + before.memory_bytes <= segments[i].virtual_address,
            "segment at " + hex(segments[i].virtual_address) + " overlaps the one before it");
  }
  return segments;
}

}  // namespace

AgentImage AgentImage::parse(std::vector<std::byte> file) {
  AgentImage image;
  image.file = std::move(file);
  const ElfFile elf(image.file);
  require(elf.is_64bit(), "not a 64-bit ELF file");
  image.layout = read_layout(elf);
  image.segments = read_segments(elf, image.layout);
  return image;
}

AgentImage AgentImage::load(const std::filesystem::path& path) {
  try {
    return parse(read_whole_file(path, kAgentFileBytesMax));
  } catch (const ElfError& error) {
    throw std::runtime_error("agent image " + path.string() + ": " + error.what());
  }
}

}  // namespace assay
