#include "tools/cli/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "reports/write_file.hpp"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Ran {
  int code;
  std::string out;
  std::string err;
};

Ran run(const std::vector<std::string>& args) {
  std::vector<const char*> argv{"assay"};
  for (const std::string& arg : args) argv.push_back(arg.c_str());
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  const int code = run_command_line(static_cast<int>(argv.size()), argv.data());
  return {code, ::testing::internal::GetCapturedStdout(), ::testing::internal::GetCapturedStderr()};
}

class CommandLine : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "assay-cli-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name, std::string_view text) {
    write_file(folder_ / name, text);
    return (folder_ / name).string();
  }
  std::filesystem::path folder_;
};

TEST_F(CommandLine, Help_IsZero_AndNamesTheExitCodes) {
  const Ran ran = run({"--help"});
  EXPECT_EQ(ran.code, kExitExpected);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("grade"), HasSubstr("69 target not available")));
  EXPECT_EQ(run({"--version"}).code, kExitExpected);
}

TEST_F(CommandLine, BadUsage_IsSixtyFour) {
  EXPECT_EQ(run({}).code, kExitBadInput);
  EXPECT_EQ(run({"grad"}).code, kExitBadInput);
  EXPECT_EQ(run({"grade", "--seed", "many"}).code, kExitBadInput);
  EXPECT_EQ(run({"grade", "--jobs", "0"}).code, kExitBadInput);
  EXPECT_EQ(run({"grade", "--guest", "cloud"}).code, kExitBadInput);
}

TEST_F(CommandLine, UnknownPrefix_IsSixtyFour_WithASuggestion) {
  const Ran ran = run({"grade", "--target", "hv", "--select", "evtchm"});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr("did you mean evtchn"));
}

TEST_F(CommandLine, BadTargets_AreSixtyFour) {
  EXPECT_THAT(run({"grade", "--target", "vh"}).err, HasSubstr("no such target"));
  const Ran missing = run({"grade", "--target", (folder_ / "none.so").string()});
  EXPECT_EQ(missing.code, kExitBadInput);
  EXPECT_THAT(missing.err, HasSubstr("cannot be read"));
  const Ran text = run({"grade", "--target", file("text.so", "not a core")});
  EXPECT_EQ(text.code, kExitBadInput);
  EXPECT_THAT(text.err, HasSubstr("not an ELF file"));
  EXPECT_EQ(run({"grade", "--target", "hv", "--target", "hv"}).code, kExitBadInput);
}

TEST_F(CommandLine, MalformedExpectations_AreSixtyFour_WithTheirPlace) {
  const std::string path = file("known.yaml", "- case: xen_version\n  why: r\n");
  const Ran ran = run({"grade", "--target", "hv", "--expect", path});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr(path + ":2:3: "));
}

TEST_F(CommandLine, Report_OfNoResults_IsSixtyFour) {
  EXPECT_EQ(run({"report", folder_.string()}).code, kExitBadInput);
  file("results.json", "{}");
  EXPECT_EQ(run({"report", folder_.string()}).code, kExitBadInput);
}

TEST_F(CommandLine, Report_MakesTheFilesAgain) {
  file("results.json", to_json(Results{}));
  EXPECT_EQ(run({"report", folder_.string()}).code, kExitExpected);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "index.html"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "junit.xml"));
}

TEST_F(CommandLine, Lists) {
  EXPECT_THAT(run({"list", "cases", "--select", "xen_version"}).out, HasSubstr("@pvh  "));
  const Ran all = run({"list", "requirements"});
  const Ran uncovered = run({"list", "requirements", "--uncovered"});
  EXPECT_THAT(all.out, HasSubstr("VER-001  must "));
  EXPECT_LT(uncovered.out.size(), all.out.size());
  EXPECT_THAT(run({"list", "targets"}).out, HasSubstr("hv.so"));
}

TEST_F(CommandLine, MissingXen_IsSixtyNine) {
  ::setenv("ASSAY_XEN", (folder_ / "no-xen").c_str(), 1);
  const Ran ran = run({"grade", "--target", "xen", "--out", (folder_ / "out").string()});
  ::unsetenv("ASSAY_XEN");
  EXPECT_EQ(ran.code, kExitUnavailable);
  EXPECT_THAT(ran.err, HasSubstr("target xen is not available"));
}

TEST_F(CommandLine, Hv_IsGraded_AndTwoRunsAreOne) {
  const std::string one = (folder_ / "one").string();
  const std::string two = (folder_ / "two").string();
  EXPECT_EQ(run({"grade", "--target", "hv", "--select", "xen_version", "--jobs", "1", "--out", one}).code,
            kExitExpected);
  EXPECT_EQ(run({"grade", "--target", "hv", "--select", "xen_version", "--jobs", "3", "--out", two}).code,
            kExitExpected);
  EXPECT_EQ(from_json(read_file(folder_ / "one" / "results.json")).run_digest,
            from_json(read_file(folder_ / "two" / "results.json")).run_digest);
}

}  // namespace
}  // namespace assay
