#include "sim/engine/core_counters.hpp"

#include <elf.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>
#include <string_view>

namespace assay {
namespace {

/// Counters, the places that they belong to, and what a sanitizer knows of variables, which is large.
constexpr std::array<std::string_view, 5> kNoState{"__sancov_cntrs", "__sancov_pcs", "__llvm_prf_cnts", "asan_globals",
                                                   kPlacesSection};
constexpr size_t kNamesMax = 1 << 20;

template <typename T>
bool read_at(std::ifstream& file, uint64_t offset, T* to, size_t count) {
  file.clear();
  file.seekg(static_cast<std::streamoff>(offset));
  file.read(reinterpret_cast<char*>(to), static_cast<std::streamsize>(count * sizeof(T)));
  return file.good();
}

}  // namespace

std::vector<CounterRange> counters_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  Elf64_Ehdr header{};
  if (!read_at(file, 0, &header, 1) || header.e_shentsize != sizeof(Elf64_Shdr)) return {};
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  if (!read_at(file, header.e_shoff, sections.data(), sections.size())) return {};
  if (header.e_shstrndx >= sections.size() || sections[header.e_shstrndx].sh_size > kNamesMax) return {};
  std::string names(sections[header.e_shstrndx].sh_size, '\0');
  if (!read_at(file, sections[header.e_shstrndx].sh_offset, names.data(), names.size())) return {};
  std::vector<CounterRange> counters;
  for (const Elf64_Shdr& section : sections) {
    const std::string_view name = section.sh_name < names.size() ? names.c_str() + section.sh_name : "";
    const auto* const known = std::ranges::find(kNoState, name);
    if (known != kNoState.end()) counters.push_back({*known, section.sh_addr, section.sh_size});
  }
  std::ranges::sort(counters, {}, &CounterRange::start);
  return counters;
}

}  // namespace assay
