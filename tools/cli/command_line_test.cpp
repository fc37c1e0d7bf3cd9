#include "tools/cli/command_line.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "reports/write_file.hpp"
#include "sim/base/paths.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST_F(CommandLine, UnknownVerb_SuggestsTheNearest) {
  EXPECT_THAT(run({"grad"}).err, AllOf(HasSubstr("no such verb: grad; known are check, doctor, fuzz, generate, grade"),
                                       HasSubstr("did you mean grade?")));
  EXPECT_THAT(run({"list", "caes"}).err, HasSubstr("did you mean cases"));
  EXPECT_EQ(run({"list", "caes"}).code, kExitBadInput);
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

TEST_F(CommandLine, Profiles_AreChecked) {
  EXPECT_THAT(run({"grade", "--target", "hv", "--profile", "pvh-gest"}).err, HasSubstr("did you mean pvh-guest"));
  const std::string path = file("mine.yaml", "- id: mine\n  title: t\n  includes: [theirs]\n");
  const Ran ran = run({"grade", "--target", "hv", "--profile", path});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr(path + ":3:14: no such profile: theirs"));
  EXPECT_EQ(run({"grade", "--target", "hv", "--profile", "toolstack", "--select", "xen_version"}).code, kExitBadInput);
}

TEST_F(CommandLine, OwnProfile_IsGraded) {
  const std::string path =
      file("mine.yaml", "- id: mine\n  title: t\n  capabilities: [dom0, pv64]\n  cases: [xen_version]\n");
  const std::string out = (folder_ / "out").string();
  const Ran ran = run({"grade", "--target", "hv", "--profile", path, "--out", out});
  EXPECT_EQ(ran.code, kExitExpected) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("profile mine (claimed): conforms"));
  EXPECT_THAT(read_file(folder_ / "out" / "results.json"), HasSubstr("--profile " + path));
}

TEST_F(CommandLine, Report_OfNoResults_IsSixtyFour_AndTouchesNothing) {
  EXPECT_EQ(run({"report", folder_.string()}).code, kExitBadInput);
  file("index.html", "the earlier page");
  file("results.json", "{}");
  const Ran ran = run({"report", folder_.string()});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr("results.json:1:1: not the results of a run"));
  EXPECT_EQ(read_file(folder_ / "index.html"), "the earlier page");
  EXPECT_EQ(run({"report", folder_.string(), folder_.string(), "--diff", folder_.string()}).code, kExitBadInput);
}

TEST_F(CommandLine, Report_MakesTheFilesAgain) {
  file("results.json", to_json(Results{}));
  EXPECT_EQ(run({"report", folder_.string()}).code, kExitExpected);
  EXPECT_TRUE(std::filesystem::exists(folder_ / "index.html"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "junit.xml"));
}

/// A folder with the results of one case.
std::string one_result(const std::filesystem::path& folder, Verdict verdict, const std::string& suite) {
  Results results;
  results.suite_version = suite;
  results.suite_digest = suite;
  results.target_kind = "core";
  results.cases.resize(1);
  results.cases[0].id = "a.b";
  results.cases[0].verdict = verdict;
  results.cases[0].expected = verdict == Verdict::kPass;
  std::filesystem::create_directories(folder);
  write_file(folder / "results.json", to_json(results));
  return folder.string();
}

TEST_F(CommandLine, Report_OfSeveral_StandsSideBySide_AndOtherSuitesAreSaidToBe) {
  const std::string one = one_result(folder_ / "one", Verdict::kPass, "0.1.0");
  const std::string two = one_result(folder_ / "two", Verdict::kFail, "0.0.9");
  const std::string out = (folder_ / "out").string();
  const Ran ran = run({"report", one, two, "--out", out});
  EXPECT_EQ(ran.code, kExitExpected);
  EXPECT_THAT(ran.err, HasSubstr("one was graded by suite 0.1.0"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / "index.html"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "one" / "index.html"));
}

TEST_F(CommandLine, Report_Diff_IsOneWhenSomethingRegressed) {
  const std::string good = one_result(folder_ / "good", Verdict::kPass, "0.1.0");
  const std::string bad = one_result(folder_ / "bad", Verdict::kFail, "0.1.0");
  const std::string out = (folder_ / "out").string();
  const Ran ran = run({"report", bad, "--diff", good, "--out", out});
  EXPECT_EQ(ran.code, kExitUnexpected);
  EXPECT_THAT(ran.out, AllOf(HasSubstr("regressed  pass -> fail  a.b"), HasSubstr("1 regressed, 0 fixed")));
  EXPECT_EQ(run({"report", good, "--diff", bad, "--out", out}).code, kExitExpected);
}

TEST_F(CommandLine, Lists) {
  EXPECT_THAT(run({"list", "cases", "--select", "xen_version"}).out, HasSubstr("@pvh  "));
  const Ran all = run({"list", "requirements"});
  const Ran uncovered = run({"list", "requirements", "--uncovered"});
  EXPECT_THAT(all.out, HasSubstr("VER-001  must "));
  EXPECT_LT(uncovered.out.size(), all.out.size());
  EXPECT_THAT(run({"list", "targets"}).out, HasSubstr("hv.so"));
  EXPECT_THAT(run({"list", "profiles"}).out,
              AllOf(HasSubstr("pv64-guest"), HasSubstr("pvh-guest"), HasSubstr("toolstack"), HasSubstr("full")));
}

TEST_F(CommandLine, Requirements_WithTheirLastVerdicts_InEveryForm) {
  const std::string out = (folder_ / "out").string();
  ASSERT_EQ(run({"grade", "--target", "hv", "--select", "xen_version", "--out", out}).code, kExitExpected);
  EXPECT_THAT(run({"list", "requirements", "--results", out}).out, HasSubstr("hv: "));
  const Ran csv = run({"list", "requirements", "--format", "csv", "--results", out});
  EXPECT_THAT(csv.out, AllOf(HasSubstr("\"verdict hv\""), HasSubstr("@pvh\",\"pass\"")));
  const Ran items = run({"list", "requirements", "--format", "openfasttrace", "--results", out});
  EXPECT_THAT(items.out, AllOf(HasSubstr("`req~VER-001~1`"), HasSubstr("Last verdict on hv: pass.")));
  EXPECT_EQ(run({"list", "requirements", "--format", "word"}).code, kExitBadInput);
  EXPECT_EQ(run({"list", "requirements", "--results", (folder_ / "none").string()}).code, kExitBadInput);
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

TEST_F(CommandLine, CheckAnswers_SaysWhatWasNoticed_AndWritesItDown) {
  const std::string out = (folder_ / "answers.json").string();
  const Ran ran = run({"check", "--answers", "--select", "xen_version.version", "--out", out});
  EXPECT_EQ(ran.code, kExitExpected) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("answers falsified one at a time"));
  EXPECT_THAT(ran.out, HasSubstr("cases failed at least once"));
  EXPECT_TRUE(std::filesystem::exists(out));
}

TEST_F(CommandLine, CheckAnswers_OfNoCase_IsSixtyFour) {
  const Ran ran = run({"check", "--answers", "--select", "xen_versoin"});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr("no case begins with this"));
}

TEST_F(CommandLine, Check_OfAnswersAndFaultsAtOnce_IsSixtyFour) {
  EXPECT_EQ(run({"check", "--answers", "--faults"}).code, kExitBadInput);
}

TEST_F(CommandLine, CheckFaults_FindsThreePlantedOnes_AndWritesItDown) {
  const std::filesystem::path out = folder_ / "faults";
  const Ran ran = run({"check", "--faults", "--select", "evtchn.bind_for_anybody", "--select", "entry.number_truncated",
                       "--select", "multicall.nested", "--detectors", "cases,fuzz", "--out", out.string()});
  EXPECT_EQ(ran.code, kExitExpected) << ran.out << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("found 3 of 3 planted faults"));
  const auto document = nlohmann::json::parse(read_file(out / "faults.json"));
  ASSERT_EQ(document["faults"].size(), 3u);
  EXPECT_GE(document["differences"].size(), 15u);
  for (const auto& fault : document["faults"]) {
    EXPECT_TRUE(fault["found"]);
    EXPECT_EQ(fault["detector"], "cases");
    EXPECT_GT(fault["steps"], 0);
  }
  EXPECT_THAT(read_file(out / "faults.html"), HasSubstr("3 of 3 planted faults found"));
}

TEST_F(CommandLine, CheckFaults_ByChosenDetectors_HasTheirColumnsAlone) {
  const std::filesystem::path out = folder_ / "faults";
  const Ran ran = run({"check", "--faults", "--select", "evtchn.close_keeps_pending", "--detectors",
                       "differential,fuzz", "--reference", "hv", "--out", out.string()});
  EXPECT_EQ(ran.code, kExitExpected) << ran.out << ran.err;
  const auto document = nlohmann::json::parse(read_file(out / "faults.json"));
  EXPECT_EQ(document["detectors"], (nlohmann::json{"fuzz", "differential"}));
  EXPECT_EQ(document["summary"]["by_detector"]["fuzz"], 1);
  EXPECT_EQ(document["summary"]["by_detector"]["differential"], 1);
  EXPECT_THAT(read_file(out / "faults.html"), HasSubstr("<span>differential</span>"));
}

TEST_F(CommandLine, CheckFaults_ByADetectorThatIsNone_IsSixtyFour) {
  const Ran ran = run({"check", "--faults", "--detectors", "cases,fuz"});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr("--detectors fuz: there is none of that name"));
  EXPECT_THAT(ran.err, HasSubstr("did you mean fuzz?"));
  EXPECT_EQ(run({"check", "--faults", "--detectors", "differential", "--reference", "xne"}).code, kExitBadInput);
}

TEST_F(CommandLine, CheckFaults_WithoutTheReference_LeavesTheDetectorOut) {
  ::setenv("ASSAY_XEN", "/nowhere/xen", 1);
  const std::vector<std::string> line{"check", "--faults", "--select", "evtchn.close_keeps_pending", "--detectors"};
  const auto with = [&](const char* detectors) {
    std::vector<std::string> all = line;
    all.emplace_back(detectors);
    return run(all);
  };
  const Ran left_out = with("fuzz,differential");
  EXPECT_EQ(left_out.code, kExitExpected) << left_out.err;
  EXPECT_THAT(left_out.err, HasSubstr("the differential detector is left out"));
  const Ran alone = with("differential");
  ::unsetenv("ASSAY_XEN");
  EXPECT_EQ(alone.code, kExitUnavailable);
  EXPECT_THAT(alone.err, HasSubstr("/nowhere/xen"));
}

TEST_F(CommandLine, CheckFaults_OfNoFault_OrAnotherTarget_IsSixtyFour) {
  const Ran ran = run({"check", "--faults", "--select", "evtchn.close_keep_pending"});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr("did you mean evtchn.close_keeps_pending"));
  EXPECT_THAT(run({"check", "--faults", "--target", "xen"}).err, HasSubstr("only the bundled core"));
}

TEST_F(CommandLine, Grade_WithAPlantedFault_FailsAndSaysHowToRepeatIt) {
  const std::string slug = "evtchn.close.pending_and_masked.pending_cleared";
  const Ran ran = run({"grade", "--target", "hv", "--fault", "evtchn.close_keeps_pending", "--select", slug, "--out",
                       (folder_ / "out").string()});
  EXPECT_EQ(ran.code, kExitUnexpected);
  EXPECT_THAT(ran.out, HasSubstr("--fault evtchn.close_keeps_pending"));
  EXPECT_EQ(run({"grade", "--target", "hv", "--select", slug, "--out", (folder_ / "hv").string()}).code, kExitExpected);
}

TEST_F(CommandLine, Grade_WithAFaultThatIsNone_OrOnAnotherTarget_IsSixtyFour) {
  const Ran ran = run({"grade", "--target", "hv", "--fault", "evtchn.close_keep_pending"});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr("did you mean evtchn.close_keeps_pending"));
  EXPECT_THAT(run({"grade", "--target", "xen", "--fault", "evtchn.close_keeps_pending"}).err,
              HasSubstr("only the bundled core"));
}

TEST_F(CommandLine, ListFaults_InEveryForm) {
  EXPECT_THAT(run({"list", "faults"}).out, HasSubstr("evtchn.close_keeps_pending  event channels"));
  EXPECT_THAT(run({"list", "faults", "--format", "csv"}).out, HasSubstr("\"name\",\"subsystem\""));
  EXPECT_GE(nlohmann::json::parse(run({"list", "faults", "--format", "json"}).out).size(), 80u);
  EXPECT_EQ(run({"list", "faults", "--format", "word"}).code, kExitBadInput);
  EXPECT_THAT(run({"list", "differences"}).out, HasSubstr("pinning a vCPU twice (hv wrong;"));
}

TEST(PlantedFault, UnknownToTheCore_StopsItsBoot) {
  try {
    static_cast<void>(make_faulty_core("no.such_fault")());
    FAIL() << "it booted";
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("fault=no.such_fault: no such planted fault"));
  }
}

/// A kernel that every build has: it asks for this and that, and waits.
std::vector<std::string> traced(std::vector<std::string> more) {
  std::vector<std::string> all{"trace", artifact("agent.elf").string(), "--limit", "3"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

std::string digest_in(const std::string& text) {
  const size_t at = text.find("digest 0x");
  return at == std::string::npos ? "" : text.substr(at, 25);
}

TEST_F(CommandLine, Trace_PrintsALineAnEvent_AndLeavesTheRunAsItIs) {
  const Ran ran = run(traced({}));
  EXPECT_THAT(ran.out, HasSubstr(" ns  pcpu "));
  const Ran plain = run({"run", artifact("agent.elf").string(), "--limit", "3"});
  EXPECT_NE(digest_in(plain.err), "");
  EXPECT_EQ(digest_in(ran.err), digest_in(plain.err));
  EXPECT_EQ(ran.code, plain.code);
}

TEST_F(CommandLine, Trace_IsKept_AndReadBack) {
  const std::string out = (folder_ / "trace").string();
  const std::string picture = (folder_ / "picture.json").string();
  const Ran ran = run(traced({"--out", out, "--perfetto", picture}));
  EXPECT_EQ(run({"trace", "--file", out}).out, ran.out);
  EXPECT_EQ(run({"trace", "--file", out}).code, kExitExpected);
  EXPECT_THAT(read_file(picture), HasSubstr("\"thread_name\""));
  EXPECT_THAT(run({"trace", "--file", out, "--last", "1"}).out, HasSubstr("earlier events"));
  EXPECT_THAT(run({"trace", "--file", out, "--around", "0"}).out, HasSubstr("=>"));
  EXPECT_THAT(run({"trace", "--file", out, "--domain", "999"}).out, ::testing::Not(HasSubstr("pcpu")));
}

TEST_F(CommandLine, Trace_OfNothing_OrOfWhatIsNone_IsSixtyFour) {
  EXPECT_EQ(run({"trace"}).code, kExitBadInput);
  EXPECT_EQ(run({"trace", "kernel", "--file", "trace"}).code, kExitBadInput);
  const Ran text = run({"trace", "--file", file("text", "not a trace")});
  EXPECT_EQ(text.code, kExitBadInput);
  EXPECT_THAT(text.err, HasSubstr("text: not a trace of assay"));
  EXPECT_EQ(run({"trace", "--file", (folder_ / "none").string()}).code, kExitBadInput);
  const Ran nowhere = run(traced({"--out", (folder_ / "none" / "trace").string()}));
  EXPECT_EQ(nowhere.code, kExitBadInput);
  EXPECT_THAT(nowhere.err, HasSubstr("cannot be written"));
}

constexpr std::string_view kFairScenario =
    "machine: {pcpus: 1}\nduration: 100ms\ndomains:\n- {name: a, count: 2, workload: cpu-bound}\n";

TEST_F(CommandLine, RunScenario_PassesOverSeeds_AndWritesResults) {
  const std::string scenario = file("fair.yaml", kFairScenario);
  const std::string out = (folder_ / "out").string();
  const Ran ran = run({"run", scenario, "--seeds", "1..3", "--jobs", "2", "--out", out});
  EXPECT_EQ(ran.code, kExitExpected) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("3 cases: 3 pass"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "out" / "index.html"));
  const auto results = nlohmann::json::parse(read_file(folder_ / "out" / "results.json"));
  EXPECT_EQ(results["cases"].size(), 3u);
  EXPECT_EQ(results["cases"][0]["picture"], "schedule.html");
  EXPECT_THAT(read_file(folder_ / "out" / "schedule.html"), HasSubstr("fair, seed 1"));
  const auto trace = nlohmann::json::parse(read_file(folder_ / "out" / "schedule.perfetto.json"));
  EXPECT_GT(trace["traceEvents"].size(), 10u);
}

TEST_F(CommandLine, RunScenario_Fails_WithItsReasonAndTheLineThatRepeatsIt) {
  const std::string scenario =
      file("unfair.yaml", std::string(kFairScenario) + "expect:\n- share: {of: a-0, at_least: 90%}\n");
  const Ran ran = run({"run", scenario, "--seed", "5", "--fault", "cpupool.last_pcpu_taken"});
  EXPECT_EQ(ran.code, kExitUnexpected);
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("vCPU 0 of a-0"), HasSubstr("unfair.yaml --fault cpupool.last_pcpu_taken --seed 5")));
}

TEST_F(CommandLine, RunScenario_BadInput_IsSixtyFour) {
  EXPECT_EQ(run({"run", file("bad.yaml", "machin: 1\n")}).code, kExitBadInput);
  EXPECT_EQ(run({"run", folder_.string() + "/none.yaml"}).code, kExitBadInput);
  const std::string scenario = file("fair.yaml", kFairScenario);
  EXPECT_EQ(run({"run", scenario, "--seeds", "3..1"}).code, kExitBadInput);
  EXPECT_EQ(run({"run", scenario, "--seeds", "many"}).code, kExitBadInput);
  EXPECT_EQ(run({"run", scenario, "--record", "x"}).code, kExitBadInput);
  EXPECT_THAT(run({"run", scenario, "--fault", "cpupol.last_pcpu_taken"}).err, HasSubstr("did you mean"));
  EXPECT_THAT(run({"run", artifact("agent.elf").string(), "--seeds", "1..2"}).err, HasSubstr("are for scenarios"));
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_THAT(run({"run", (folder_ / "empty").string()}).err, HasSubstr("no scenario there"));
}

TEST_F(CommandLine, Minimize_LeavesWhatFailsForTheSameReason_AndIsRepeatable) {
  const std::string scenario =
      file("unfair.yaml",
           "machine: {pcpus: 2}\nduration: 100ms\nfaults: {signal_delay: 10us}\n"
           "domains:\n- {name: a, count: 4, workload: cpu-bound}\n- {name: b, vcpus: 4, workload: "
           "idle}\nactions:\n- {at: 5ms, pause: b}\n- {at: 9ms, unpause: b}\n"
           "expect:\n- share: {of: a, at_least: 300%}\n- no_starvation: {longer_than: 90ms}\n");
  const std::string small = (folder_ / "small.yaml").string();
  const Ran ran = run({"minimize", scenario, "--seed", "3", "--out", small});
  EXPECT_EQ(ran.code, kExitExpected) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("share of a"));
  const std::string text = read_file(small);
  for (const char* gone : {"actions", "faults", "name: b", "no_starvation"}) EXPECT_THAT(text, Not(HasSubstr(gone)));
  const Ran again = run({"run", small, "--seed", "3"});
  EXPECT_EQ(again.code, kExitUnexpected);
  EXPECT_THAT(again.out, HasSubstr("share of a"));
}

TEST_F(CommandLine, Minimize_IntoAFolder_SaysWhyInWords_AndDrawsWhatIsLeft) {
  const std::string scenario = file("held.yaml",
                                    "machine: {pcpus: 1}\nduration: 100ms\nfaults: {signal_delay: 37us}\n"
                                    "domains:\n- {name: a, workload: cpu-bound}\n- {name: b, workload: cpu-bound}\n"
                                    "actions:\n- {within: 11ms, until: 13ms, pause: a}\n- {at: 77.7ms, unpause: a}\n"
                                    "expect:\n- share: {of: a, at_least: 45%}\n");
  const std::string out = (folder_ / "small").string();
  const Ran ran = run({"minimize", scenario, "--seed", "3", "--out", out});
  EXPECT_EQ(ran.code, kExitExpected) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("why it fails: share of a: at "));
  EXPECT_THAT(ran.out, HasSubstr("1 of 1 expectations, hardware without faults; no interleaving inside the core"));
  const std::string text = read_file(folder_ / "small" / "held.min.yaml");
  EXPECT_THAT(text, HasSubstr("interleaving: none"));
  for (const char* gone : {"faults", "within", "77.7"}) EXPECT_THAT(text, Not(HasSubstr(gone)));
  EXPECT_THAT(read_file(folder_ / "small" / "schedule.html"),
              AllOf(HasSubstr("held.min, seed 3"), Not(HasSubstr("All results"))));
  const auto trace = nlohmann::json::parse(read_file(folder_ / "small" / "schedule.perfetto.json"));
  EXPECT_GT(trace["traceEvents"].size(), 10u);
}

TEST_F(CommandLine, Minimize_OfWhatPasses_SaysSo) {
  const Ran ran = run({"minimize", file("fair.yaml", kFairScenario)});
  EXPECT_EQ(ran.code, kExitInconclusive);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("does not fail with seed 1"), HasSubstr("--seed N"), HasSubstr("--fault NAME")));
  const std::string finds = file("finds.yaml", "finds: cpupool.last_pcpu_taken\n" + std::string(kFairScenario));
  EXPECT_THAT(run({"minimize", finds}).err, HasSubstr("--fault cpupool.last_pcpu_taken"));
}

TEST_F(CommandLine, RunScenarios_OfSeveralNames_PlaysAll) {
  const std::string one = file("one.yaml", kFairScenario), two = file("two.yaml", kFairScenario);
  const Ran ran = run({"run", one, two, "--jobs", "1"});
  EXPECT_EQ(ran.code, kExitExpected) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("2 cases: 2 pass"));
  EXPECT_THAT(run({"run", one, one}).err, HasSubstr("have the same name"));
  EXPECT_THAT(run({"run", one, artifact("agent.elf").string()}).err, HasSubstr("agent.elf: no scenario"));
  EXPECT_THAT(run({"run", artifact("agent.elf").string(), artifact("agent.elf").string()}).err,
              HasSubstr("one kernel at a time"));
}

TEST_F(CommandLine, RunScenarios_BadOnes_AreAllTold) {
  file("good.yaml", kFairScenario);
  const std::string one = file("one.yaml", "machin: 1\n"), two = file("two.yaml", "machine: {pcpus: 1\n");
  const Ran ran = run({"run", folder_.string()});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("assay: " + one + ":1:1: unknown key 'machin'; did you mean machine?"),
                             HasSubstr("assay: " + two + ":2:1: a '{' before has no '}'"),
                             HasSubstr("2 of 3 scenarios cannot be played")));
}

TEST_F(CommandLine, RunScenario_IntoTheFolderOfAnEarlierRun_LeavesNothingOfThat) {
  const std::string scenario = file("fair.yaml", kFairScenario);
  const std::filesystem::path out = folder_ / "out";
  std::filesystem::create_directories(out / "evidence");
  write_file(out / "evidence" / "old.seed1.txt", "old\n");
  EXPECT_EQ(run({"run", file("broken.yaml", "machin: 1\n"), "--out", out.string()}).code, kExitBadInput);
  EXPECT_TRUE(std::filesystem::exists(out / "evidence" / "old.seed1.txt")) << "nothing was played";
  EXPECT_EQ(run({"run", scenario, "--out", out.string()}).code, kExitExpected);
  EXPECT_FALSE(std::filesystem::exists(out / "evidence" / "old.seed1.txt"));
}

TEST_F(CommandLine, UnknownOption_IsSixtyFour_WithTheCommandAndTheNearest) {
  const std::string scenario = file("fair.yaml", kFairScenario);
  const Ran ran = run({"run", scenario, "--sed", "7"});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err, HasSubstr("assay run: no such option: --sed; did you mean --seed"));
  EXPECT_THAT(run({"grade", "--taget=hv"}).err,
              HasSubstr("assay grade: no such option: --taget; did you mean --target"));
  EXPECT_THAT(run({"list", "cases", "--slect", "x"}).err, HasSubstr("assay list cases: no such option: --slect"));
  EXPECT_THAT(run({"doctor", "now"}).err, HasSubstr("assay doctor: now: one argument too many"));
}

TEST_F(CommandLine, Run_OfWhatIsNeitherKernelNorScenario_SaysWhatItCouldHaveBeen) {
  const Ran ran = run({"run", file("README.md", "# Not a kernel\n" + std::string(100, '.'))});
  EXPECT_EQ(ran.code, kExitBadInput);
  EXPECT_THAT(ran.err,
              AllOf(HasSubstr("not an ELF file"), HasSubstr("a kernel (an ELF file with Xen notes), or scenarios")));
  EXPECT_THAT(run({"run", "--help"}).out,
              AllOf(HasSubstr("KERNEL-or-SCENARIO"), HasSubstr("FILE.yaml, several of them")));
}

}  // namespace
}  // namespace assay
