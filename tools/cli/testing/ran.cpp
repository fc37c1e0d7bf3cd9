#include "tools/cli/testing/ran.hpp"

#include <cstdlib>

#include "reports/write_file.hpp"
#include "tools/cli/command_line.hpp"

namespace assay::testing {

Ran run(const std::vector<std::string>& args) {
  std::vector<const char*> argv{"assay"};
  for (const std::string& arg : args) argv.push_back(arg.c_str());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = run_command_line(static_cast<int>(argv.size()), argv.data());
  return {code, ::testing::internal::GetCapturedStdout(), ::testing::internal::GetCapturedStderr()};
}

void CommandLine::SetUp() {
  std::string name = (std::filesystem::temp_directory_path() / "assay-cli-XXXXXX").string();
  ASSERT_NE(::mkdtemp(name.data()), nullptr);
  folder_ = name;
}

void CommandLine::TearDown() {
  std::filesystem::remove_all(folder_);
}

std::string CommandLine::file(const std::string& name, std::string_view text) {
  write_file(folder_ / name, text);
  return (folder_ / name).string();
}

}  // namespace assay::testing
