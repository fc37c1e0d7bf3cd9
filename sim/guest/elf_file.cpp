#include "sim/guest/elf_file.hpp"

#include <cstring>

namespace assay {

namespace {

template <typename T>
std::vector<T> read_table(const ElfFile& file, uint64_t offset, uint64_t count, const std::string& what) {
  const std::span<const std::byte> bytes = file.range(offset, count * sizeof(T), what);
  std::vector<T> table(count);
  if (!bytes.empty()) std::memcpy(table.data(), bytes.data(), bytes.size());
  return table;
}

Elf64_Phdr widened(const Elf32_Phdr& narrow) {
  return {narrow.p_type,  narrow.p_flags,  narrow.p_offset, narrow.p_vaddr,
          narrow.p_paddr, narrow.p_filesz, narrow.p_memsz,  narrow.p_align};
}

Elf64_Shdr widened(const Elf32_Shdr& narrow) {
  return {narrow.sh_name, narrow.sh_type, narrow.sh_flags, narrow.sh_addr,      narrow.sh_offset,
          narrow.sh_size, narrow.sh_link, narrow.sh_info,  narrow.sh_addralign, narrow.sh_entsize};
}

template <typename Wide, typename Narrow>
std::vector<Wide> widen(const std::vector<Narrow>& table) {
  std::vector<Wide> wide;
  for (const Narrow& entry : table) wide.push_back(widened(entry));
  return wide;
}

constexpr const char* kSegmentTable = "the program header table";
constexpr const char* kSectionTable = "the section header table";

}  // namespace

ElfFile::ElfFile(std::span<const std::byte> bytes) : bytes_(bytes) {
  read_header();
  check_header();
  segments_ = is_64bit()
                  ? read_table<Elf64_Phdr>(*this, header_.e_phoff, header_.e_phnum, kSegmentTable)
                  : widen<Elf64_Phdr>(read_table<Elf32_Phdr>(*this, header_.e_phoff, header_.e_phnum, kSegmentTable));
  sections_ = is_64bit()
                  ? read_table<Elf64_Shdr>(*this, header_.e_shoff, header_.e_shnum, kSectionTable)
                  : widen<Elf64_Shdr>(read_table<Elf32_Shdr>(*this, header_.e_shoff, header_.e_shnum, kSectionTable));
  if (sections_.empty()) return;
  if (header_.e_shstrndx >= sections_.size()) throw ElfError("it has no table of section names");
  const Elf64_Shdr& names = sections_[header_.e_shstrndx];
  names_ = range(names.sh_offset, names.sh_size, "the table of section names");
}

void ElfFile::read_header() {
  if (bytes_.size() < EI_NIDENT) throw ElfError("too short for an ELF header");
  std::memcpy(header_.e_ident, bytes_.data(), EI_NIDENT);
  if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) throw ElfError("not an ELF file");
  const bool is_32bit = header_.e_ident[EI_CLASS] == ELFCLASS32;
  if (!is_32bit && !is_64bit()) throw ElfError("neither a 32-bit nor a 64-bit ELF file");
  if (header_.e_ident[EI_DATA] != ELFDATA2LSB) throw ElfError("not a little-endian ELF file");
  if (bytes_.size() < (is_32bit ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr)))
    throw ElfError("too short for an ELF header");
  if (!is_32bit) {
    std::memcpy(&header_, bytes_.data(), sizeof header_);
    return;
  }
  Elf32_Ehdr narrow;
  std::memcpy(&narrow, bytes_.data(), sizeof narrow);
  header_.e_type = narrow.e_type;
  header_.e_machine = narrow.e_machine;
  header_.e_entry = narrow.e_entry;
  header_.e_phoff = narrow.e_phoff;
  header_.e_shoff = narrow.e_shoff;
  header_.e_phentsize = narrow.e_phentsize;
  header_.e_phnum = narrow.e_phnum;
  header_.e_shentsize = narrow.e_shentsize;
  header_.e_shnum = narrow.e_shnum;
  header_.e_shstrndx = narrow.e_shstrndx;
}

void ElfFile::check_header() const {
  if (header_.e_machine != (is_64bit() ? EM_X86_64 : EM_386)) throw ElfError("not built for x86");
  if (header_.e_type != ET_EXEC) throw ElfError("not an executable linked at a fixed address");
  if (header_.e_phentsize != (is_64bit() ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))) {
    throw ElfError("program headers have an unknown size");
  }
  if (header_.e_shnum != 0 && header_.e_shentsize != (is_64bit() ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr))) {
    throw ElfError("section headers have an unknown size");
  }
}

std::span<const std::byte> ElfFile::range(uint64_t offset, uint64_t size, const std::string& what) const {
  if (offset > bytes_.size() || size > bytes_.size() - offset) throw ElfError(what + " lies outside the file");
  return bytes_.subspan(offset, size);
}

std::string_view ElfFile::section_name(const Elf64_Shdr& section) const {
  if (section.sh_name >= names_.size()) return {};
  const char* start = reinterpret_cast<const char*>(names_.data()) + section.sh_name;
  return {start, strnlen(start, names_.size() - section.sh_name)};
}

std::span<const std::byte> ElfFile::section(std::string_view name) const {
  for (const Elf64_Shdr& section : sections_) {
    if (section.sh_type == SHT_PROGBITS && section_name(section) == name) {
      return range(section.sh_offset, section.sh_size, "section " + std::string(name));
    }
  }
  throw ElfError("section " + std::string(name) + " is missing");
}

}  // namespace assay
