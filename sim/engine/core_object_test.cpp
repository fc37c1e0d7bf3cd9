#include "sim/engine/core_object.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "sim/base/paths.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::filesystem::path& path) {
  try {
    const CoreObject core(path);
    return "accepted";
  } catch (const CoreRefused& refused) {
    return refused.what();
  }
}

class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view contents)
      : path_(std::filesystem::temp_directory_path() / ("assay-core-" + std::to_string(getpid()))) {
    std::ofstream(path_) << contents;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(CoreObject, Tiny_IsAccepted) {
  const CoreObject core(artifact("core_tiny.so"));
  EXPECT_EQ(core.name(), "tiny");
  EXPECT_EQ(core.version(), "1");
  EXPECT_THAT(core.describe_address(reinterpret_cast<uintptr_t>(core.core().enter)), HasSubstr("core_tiny.so+0x"));
  EXPECT_EQ(core.describe_address(reinterpret_cast<uintptr_t>(&refusal)), "");
}

TEST(CoreObject, Missing_SaysSo) {
  EXPECT_THAT(refusal("/nonexistent/core.so"), HasSubstr("/nonexistent/core.so: cannot be read: No such file"));
}

TEST(CoreObject, Directory_IsRefused) {
  EXPECT_THAT(refusal(std::filesystem::temp_directory_path()), HasSubstr("is not an ELF file"));
}

TEST(CoreObject, Text_IsNotElf) {
  const TemporaryFile file("this is not a core, and it is long enough for an ELF header to be looked for in it");
  EXPECT_THAT(refusal(file.path()), HasSubstr("is not an ELF file"));
}

TEST(CoreObject, Empty_IsNotElf) {
  const TemporaryFile file("");
  EXPECT_THAT(refusal(file.path()), HasSubstr("is not an ELF file"));
}

TEST(CoreObject, CutOffAfterItsHeader_CannotBeLoaded) {
  std::ifstream whole(artifact("core_tiny.so"), std::ios::binary);
  std::string head(200, '\0');
  whole.read(head.data(), static_cast<std::streamsize>(head.size()));
  const TemporaryFile file(head);
  EXPECT_THAT(refusal(file.path()), HasSubstr("cannot be loaded"));
}

TEST(CoreObject, NoSymbol_NamesIt) {
  EXPECT_THAT(refusal(artifact("core_no_symbol.so")), HasSubstr("exports no symbol assay_core"));
}

TEST(CoreObject, OtherMajorVersion_NamesBoth) {
  const std::string text = refusal(artifact("core_other_version.so"));
  EXPECT_THAT(text, HasSubstr("was built for port version 2.0, this host speaks 1.3"));
  EXPECT_THAT(text, HasSubstr("rebuild"));
}

TEST(CoreObject, RestoreData_PutsStaticsBack) {
  const CoreObject core(artifact("core_tiny.so"));
  const CoreObject::Data before = core.save_data();
  EXPECT_EQ(before, core.initial_data());
  CoreObject::Data changed = before;
  ASSERT_FALSE(changed.empty());
  core.restore_data(before);
  EXPECT_EQ(core.save_data(), before);
}

}  // namespace
}  // namespace assay
