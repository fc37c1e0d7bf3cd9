/// Bounds-checked view of an ELF file. The file is hostile input: every offset and count is checked before use.
#pragma once

#include <elf.h>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace assay {

/// What is wrong with a file, without the file's name.
class ElfError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class ElfFile {
 public:
  /// `bytes` must outlive the view. Throws ElfError unless it is a little-endian x86 executable whose header tables lie
  /// within the file.
  explicit ElfFile(std::span<const std::byte> bytes);

  [[nodiscard]] bool is_64bit() const { return header_.e_ident[EI_CLASS] == ELFCLASS64; }
  [[nodiscard]] uint64_t entry() const { return header_.e_entry; }
  /// Those of a 32-bit file are widened.
  [[nodiscard]] const std::vector<Elf64_Phdr>& segments() const { return segments_; }
  /// Bytes of the named section. Throws ElfError when there is none, or it does not lie within the file.
  [[nodiscard]] std::span<const std::byte> section(std::string_view name) const;
  /// Throws ElfError, naming `what`, unless offset..offset+size lies within the file.
  [[nodiscard]] std::span<const std::byte> range(uint64_t offset, uint64_t size, const std::string& what) const;

 private:
  void read_header();
  void check_header() const;
  [[nodiscard]] std::string_view section_name(const Elf64_Shdr& section) const;

  std::span<const std::byte> bytes_;
  Elf64_Ehdr header_{};
  std::vector<Elf64_Phdr> segments_;
  std::vector<Elf64_Shdr> sections_;
  std::span<const std::byte> names_;
};

}  // namespace assay
