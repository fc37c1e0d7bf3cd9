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

}  // namespace

ElfFile::ElfFile(std::span<const std::byte> bytes) : bytes_(bytes) {
  if (bytes.size() < sizeof header_) throw ElfError("too short for an ELF header");
  std::memcpy(&header_, bytes.data(), sizeof header_);
  check_header();
  segments_ = read_table<Elf64_Phdr>(*this, header_.e_phoff, header_.e_phnum, "the program header table");
  sections_ = read_table<Elf64_Shdr>(*this, header_.e_shoff, header_.e_shnum, "the section header table");
  if (header_.e_shstrndx >= sections_.size()) throw ElfError("it has no table of section names");
  const Elf64_Shdr& names = sections_[header_.e_shstrndx];
  names_ = range(names.sh_offset, names.sh_size, "the table of section names");
}

void ElfFile::check_header() const {
  if (std::memcmp(header_.e_ident, ELFMAG, SELFMAG) != 0) throw ElfError("not an ELF file");
  if (header_.e_ident[EI_CLASS] != ELFCLASS64) throw ElfError("not a 64-bit ELF file");
  if (header_.e_ident[EI_DATA] != ELFDATA2LSB) throw ElfError("not a little-endian ELF file");
  if (header_.e_machine != EM_X86_64) throw ElfError("not built for x86-64");
  if (header_.e_type != ET_EXEC) throw ElfError("not an executable linked at a fixed address");
  if (header_.e_phentsize != sizeof(Elf64_Phdr)) throw ElfError("program headers have an unknown size");
  if (header_.e_shnum != 0 && header_.e_shentsize != sizeof(Elf64_Shdr)) {
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
