/// Domains that move and guests in files, from the command line.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "conformance/runner/exit_code.hpp"
#include "reports/write_file.hpp"
#include "sim/base/paths.hpp"
#include "tools/cli/testing/ran.hpp"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using testing::run;
using MovesAndSaves = testing::CommandLine;

const std::vector<std::string> kLive{"migrate", "--guest", "pvh", "--live", "--pages", "544", "--jobs", "1"};

Ran migrate(const std::vector<std::string>& more) {
  std::vector<std::string> args = kLive;
  args.insert(args.end(), more.begin(), more.end());
  return run(args);
}

TEST_F(MovesAndSaves, PointThatIsMet_IsPlayed_AndItIsSaidThatTheDomainMovesOnceMore) {
  const Ran ran = migrate({"--point", "corrupted:3:17"});
  EXPECT_EQ(ran.code, kExitExpected) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("1 cases, 2 moves"), HasSubstr("moves once more afterwards, without a fault")));
}

TEST_F(MovesAndSaves, PointThatIsNotMet_IsInconclusive_AndSaysWhichThereAre) {
  for (const char* const point : {"corrupted:1000:0", "source-call:1000000", "target-room:30000"}) {
    const Ran ran = migrate({"--point", point});
    EXPECT_EQ(ran.code, kExitInconclusive) << point;
    EXPECT_THAT(ran.err, AllOf(HasSubstr(std::string(point) + ": a pvh live move never met it"),
                               HasSubstr("parts of its stream (FAULT:PART:BYTE, PART from 0 to ")));
  }
}

TEST_F(MovesAndSaves, SweepLeavesResults_ThatTheReportTakes) {
  const std::filesystem::path out = folder_ / "sweep";
  const Ran ran = migrate({"--sweep", "--every", "150", "--out", out.string()});
  EXPECT_EQ(ran.code, kExitExpected) << ran.out << ran.err;
  const auto results = nlohmann::json::parse(read_file(out / "results.json"));
  EXPECT_GT(results["cases"].size(), 5u);
  EXPECT_EQ(results["summary"]["pass"], results["cases"].size());
  EXPECT_THAT(read_file(out / "migration.html"), AllOf(HasSubstr("PAGE_DATA"), HasSubstr("class=\"mark\"")));
  const std::filesystem::path all = folder_ / "all";
  EXPECT_EQ(run({"report", out.string(), out.string(), "--out", all.string()}).code, kExitExpected);
  EXPECT_TRUE(std::filesystem::exists(all / "index.html"));
}

TEST_F(MovesAndSaves, WhatFails_ComesFirst_WithItsMove) {
  const std::filesystem::path out = folder_ / "wrong";
  const Ran ran = migrate({"--moves", "2", "--fault", "logdirty.hypervisor_writes_missed", "--out", out.string()});
  EXPECT_EQ(ran.code, kExitUnexpected);
  const std::string page = read_file(out / "migration.html");
  EXPECT_LT(page.find("What is wrong"), page.find("Move 1 of 2: pvh.live.none.seed1"));
  const auto results = nlohmann::json::parse(read_file(out / "results.json"));
  EXPECT_EQ(results["cases"][0]["verdict"], "fail");
  EXPECT_EQ(results["cases"][0]["picture"], "migration.html");
  EXPECT_GT(results["cases"][0]["steps"].size(), 3u) << "what happened in that move";
}

TEST_F(MovesAndSaves, WhatCannotMove_IsToldWhy) {
  EXPECT_THAT(run({"migrate", "--target", "xen"}).err, HasSubstr("a core that runs inside this program: hv"));
  EXPECT_THAT(run({"migrate", "--point", "lost"}).err, HasSubstr("no such place"));
  EXPECT_THAT(run({"migrate", "--every", "2"}).err, HasSubstr("--sweep"));
}

TEST_F(MovesAndSaves, GuestSavedWhileItRuns_GoesOn) {
  const std::string live = (folder_ / "live").string(), steps = (folder_ / "steps").string();
  const Ran saved = run({"save", "--guest", "pvh", "--live", "--out", live});
  EXPECT_EQ(saved.code, kExitExpected) << saved.err;
  EXPECT_THAT(saved.out, AllOf(HasSubstr("count 11; "), HasSubstr(" pages of memory in 2 rounds of ")));
  EXPECT_THAT(run({"restore", live, "--limit", "2"}).out, HasSubstr("memory as it was, count 13"));
  const Ran checkpoints = run({"save", "--guest", "pv64", "--checkpoints", "3", "--out", steps});
  EXPECT_EQ(checkpoints.code, kExitExpected) << checkpoints.err;
  EXPECT_THAT(checkpoints.out, AllOf(HasSubstr("count 13; "), HasSubstr(" in 4 rounds of ")));
  EXPECT_THAT(run({"restore", steps, "--limit", "2"}).out, HasSubstr("memory as it was, count 15"));
  const Ran refused = run({"save", "--guest", "pv64", "--live", "--out", (folder_ / "no").string()});
  EXPECT_EQ(refused.code, kExitBadInput);
  EXPECT_THAT(refused.err, HasSubstr("without shadow page tables"));
  const Ran kernel = run({"save", artifact("guest-hello.elf").string(), "--live", "--out", (folder_ / "no").string()});
  EXPECT_EQ(kernel.code, kExitBadInput);
  EXPECT_THAT(kernel.err, HasSubstr("kernels are saved suspended"));
}

TEST_F(MovesAndSaves, Generate_ReplacesNothing_UnlessForced) {
  const std::string out = (folder_ / "made").string();
  EXPECT_EQ(run({"generate", out, "--seeds", "1..2"}).code, kExitExpected);
  write_file(folder_ / "made" / "generated-2.yaml", "mine\n");
  const Ran ran = run({"generate", out, "--seeds", "2..3"});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr("generated-2.yaml: there already; --force replaces it"));
  EXPECT_EQ(read_file(folder_ / "made" / "generated-2.yaml"), "mine\n");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "made" / "generated-3.yaml")) << "nothing was written";
  EXPECT_EQ(run({"generate", out, "--seeds", "2..3", "--force"}).code, kExitExpected);
  EXPECT_THAT(read_file(folder_ / "made" / "generated-2.yaml"), Not(HasSubstr("mine")));
}

}  // namespace
}  // namespace assay
