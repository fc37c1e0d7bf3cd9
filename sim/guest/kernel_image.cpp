#include "sim/guest/kernel_image.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "sim/abi/xen.hpp"
#include "sim/base/hex.hpp"
#include "sim/guest/elf_file.hpp"

namespace assay {

namespace {

constexpr uint64_t kKernelFileBytesMax = 256ull << 20;
/// Guests have at most this much memory here: one L2 table of a PV64 guest reaches as far.
constexpr uint64_t kMemoryMax = 1ull << 30;
constexpr uint64_t kNoteAlignment = 4;

/// What the notes say, each of them at most once.
struct Notes {
  std::optional<uint64_t> entry, hypercall_page, virt_base, physical_offset, pvh_entry, initrd_frame;
  std::string guest_os, loader;
  size_t count = 0;
};

uint64_t number_of(std::span<const std::byte> value) {
  uint64_t number = 0;
  if (value.size() != 4 && value.size() != 8) throw ElfError("a Xen note holds no number of 4 or 8 bytes");
  std::memcpy(&number, value.data(), value.size());
  return number;
}

std::string text_of(std::span<const std::byte> value) {
  const char* start = reinterpret_cast<const char*>(value.data());
  return {start, strnlen(start, value.size())};
}

void take_note(Notes& notes, uint32_t type, std::span<const std::byte> value) {
  ++notes.count;
  switch (type) {
    case XEN_ELFNOTE_ENTRY:
      notes.entry = number_of(value);
      return;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
      notes.hypercall_page = number_of(value);
      return;
    case XEN_ELFNOTE_VIRT_BASE:
      notes.virt_base = number_of(value);
      return;
    case XEN_ELFNOTE_PADDR_OFFSET:
      notes.physical_offset = number_of(value);
      return;
    case XEN_ELFNOTE_PHYS32_ENTRY:
      notes.pvh_entry = number_of(value);
      return;
    case XEN_ELFNOTE_MOD_START_PFN:
      notes.initrd_frame = number_of(value);
      return;
    case XEN_ELFNOTE_GUEST_OS:
      notes.guest_os = text_of(value);
      return;
    case XEN_ELFNOTE_LOADER:
      notes.loader = text_of(value);
      return;
    default:
      return;  // of no importance here
  }
}

constexpr uint64_t aligned(uint64_t bytes) {
  return (bytes + kNoteAlignment - 1) / kNoteAlignment * kNoteAlignment;
}

void read_notes(Notes& notes, std::span<const std::byte> bytes) {
  while (bytes.size() >= sizeof(Elf64_Nhdr)) {
    Elf64_Nhdr header;
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes = bytes.subspan(sizeof header);
    const uint64_t name_bytes = aligned(header.n_namesz);
    if (name_bytes > bytes.size() || header.n_descsz > bytes.size() - name_bytes) {
      throw ElfError("a note lies outside its segment");
    }
    const std::string name = text_of(bytes.first(header.n_namesz));
    if (name == "Xen") take_note(notes, header.n_type, bytes.subspan(name_bytes, header.n_descsz));
    bytes = bytes.subspan(std::min<uint64_t>(bytes.size(), name_bytes + aligned(header.n_descsz)));
  }
}

Notes notes_of(const ElfFile& elf) {
  Notes notes;
  for (const Elf64_Phdr& header : elf.segments()) {
    if (header.p_type == PT_NOTE) read_notes(notes, elf.range(header.p_offset, header.p_filesz, "a note segment"));
  }
  if (notes.count == 0) throw ElfError("it has no Xen notes: not a guest kernel, or one without support for Xen");
  return notes;
}

GuestType choose_type(const ElfFile& elf, const Notes& notes, std::optional<GuestType> wanted) {
  const bool is_pvh = notes.pvh_entry.has_value();
  const bool is_pv = notes.entry.has_value() && elf.is_64bit();
  if (wanted == GuestType::kPvh && !is_pvh) throw ElfError("it has no note PHYS32_ENTRY: it cannot boot as PVH");
  if (wanted == GuestType::kPv64 && !elf.is_64bit()) throw ElfError("a 32-bit PV kernel: only 64-bit ones can boot");
  if (wanted == GuestType::kPv64 && !is_pv) throw ElfError("it has no note ENTRY: it cannot boot as a PV guest");
  if (wanted) return *wanted;
  if (is_pvh) return GuestType::kPvh;
  if (is_pv) return GuestType::kPv64;
  throw ElfError(notes.entry ? "a 32-bit PV kernel: only 64-bit ones can boot"
                             : "its notes name no entry: neither ENTRY (PV) nor PHYS32_ENTRY (PVH)");
}

KernelSegment read_segment(const ElfFile& elf, const Elf64_Phdr& header, uint64_t physical_offset) {
  const std::string name = "segment at " + hex(header.p_paddr);
  if (header.p_filesz > header.p_memsz) throw ElfError(name + " has more bytes in the file than in memory");
  const uint64_t physical = header.p_paddr - physical_offset;
  if (physical >= kMemoryMax || header.p_memsz > kMemoryMax - physical) throw ElfError(name + " ends beyond 1 GiB");
  const std::span<const std::byte> bytes = elf.range(header.p_offset, header.p_filesz, name);
  return {physical, {bytes.begin(), bytes.end()}, header.p_memsz};
}

std::vector<KernelSegment> read_segments(const ElfFile& elf, uint64_t physical_offset) {
  std::vector<KernelSegment> segments;
  for (const Elf64_Phdr& header : elf.segments()) {
    if (header.p_type == PT_LOAD && header.p_memsz != 0) {
      segments.push_back(read_segment(elf, header, physical_offset));
    }
  }
  if (segments.empty()) throw ElfError("it has nothing to load");
  return segments;
}

void check_within(const KernelImage& image, uint64_t address, const char* what) {
  const uint64_t physical = image.type == GuestType::kPv64 ? address - image.virt_base : address;
  if (physical >= image.physical_end) throw ElfError(std::string(what) + " " + hex(address) + " is not in its memory");
}

}  // namespace

KernelImage KernelImage::parse(std::span<const std::byte> file, std::optional<GuestType> wanted) {
  const ElfFile elf(file);
  const Notes notes = notes_of(elf);
  KernelImage image;
  image.type = choose_type(elf, notes, wanted);
  image.guest_os = notes.guest_os;
  const bool is_pv = image.type == GuestType::kPv64;
  image.segments = read_segments(elf, is_pv ? notes.physical_offset.value_or(0) : 0);
  for (const KernelSegment& segment : image.segments) {
    image.physical_end = std::max(image.physical_end, segment.physical + segment.memory_bytes);
  }
  image.virt_base = notes.virt_base.value_or(0);
  image.entry = is_pv ? *notes.entry : *notes.pvh_entry;
  check_within(image, image.entry, "the entry");
  if (is_pv && image.virt_base % kMemoryMax != 0) throw ElfError("VIRT_BASE is not a multiple of 1 GiB");
  if (is_pv && notes.hypercall_page) {
    check_within(image, *notes.hypercall_page, "the hypercall page");
    if (*notes.hypercall_page % kPageSize != 0) throw ElfError("the hypercall page is not page-aligned");
    image.hypercall_page = notes.hypercall_page;
  }
  image.wants_initrd_frame = notes.initrd_frame.value_or(0) != 0;
  return image;
}

std::vector<std::byte> read_whole_file(const std::filesystem::path& path, uint64_t bytes_max) {
  const auto refuse = [&](const std::string& why) { throw std::runtime_error(path.string() + ": " + why); };
  std::error_code error;
  const uint64_t size = std::filesystem::file_size(path, error);
  if (error) refuse(error.message());
  if (size > bytes_max) refuse("larger than " + std::to_string(bytes_max >> 20) + " MiB");
  std::ifstream stream(path, std::ios::binary);
  if (!stream) refuse(std::strerror(errno));
  std::vector<std::byte> bytes(size);
  stream.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (stream.gcount() != static_cast<std::streamsize>(size)) refuse("it could not be read to its end");
  return bytes;
}

KernelImage KernelImage::load(const std::filesystem::path& path, std::optional<GuestType> wanted) {
  const std::vector<std::byte> file = read_whole_file(path, kKernelFileBytesMax);
  try {
    return parse(file, wanted);
  } catch (const ElfError& error) {
    throw std::runtime_error(path.string() + ": " + error.what());
  }
}

}  // namespace assay
