#include "sim/engine/core_counters.hpp"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "sim/base/paths.hpp"

namespace assay {
namespace {

/// A file with one section of that name, and its names.
std::filesystem::path file_with_section(const std::string& name) {
  const std::string names = '\0' + name + '\0';
  Elf64_Ehdr header{};
  header.e_shoff = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 2;
  header.e_shstrndx = 1;
  Elf64_Shdr sections[2]{};
  sections[0] = {.sh_name = 1,
                 .sh_type = SHT_PROGBITS,
                 .sh_flags = 0,
                 .sh_addr = 0x5000,
                 .sh_offset = 0,
                 .sh_size = 64,
                 .sh_link = 0,
                 .sh_info = 0,
                 .sh_addralign = 1,
                 .sh_entsize = 0};
  sections[1].sh_offset = sizeof header + sizeof sections;
  sections[1].sh_size = names.size();
  const auto path = std::filesystem::path(::testing::TempDir()) / ("counters" + name);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(&header), sizeof header);
  file.write(reinterpret_cast<const char*>(sections), sizeof sections);
  file << names;
  return path;
}

TEST(CoreCounters, AreKnownByTheirSection) {
  const auto counters = counters_of(file_with_section("__sancov_cntrs"));
  ASSERT_EQ(counters.size(), 1u);
  EXPECT_EQ(counters[0].start, 0x5000u);
  EXPECT_EQ(counters[0].bytes, 64u);
  EXPECT_EQ(counters[0].section, "__sancov_cntrs");
}

TEST(CoreCounters, OtherData_IsNone) {
  EXPECT_TRUE(counters_of(file_with_section(".data")).empty());
  EXPECT_TRUE(counters_of(program_folder() / "no_such_file").empty());
  EXPECT_TRUE(counters_of("/dev/null").empty());
}

}  // namespace
}  // namespace assay
