/// The command line, run within a test.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace assay::testing {

struct Ran {
  int code;
  std::string out;
  std::string err;
};

Ran run(const std::vector<std::string>& args);

/// With a folder of its own, which is gone afterwards.
class CommandLine : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;
  /// Its path.
  std::string file(const std::string& name, std::string_view text);
  std::filesystem::path folder_;
};

}  // namespace assay::testing
