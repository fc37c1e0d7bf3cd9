#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "reports/compare.hpp"
#include "reports/html.hpp"
#include "reports/junit.hpp"
#include "reports/kill_matrix.hpp"
#include "reports/pack.hpp"
#include "reports/page_files.hpp"
#include "reports/page_model.hpp"
#include "reports/report_files.hpp"
#include "reports/results.hpp"
#include "reports/schedule_page.hpp"
#include "reports/trace.hpp"
#include "reports/utf8.hpp"
#include "reports/write_file.hpp"
#include "sim/input/json_place.hpp"

namespace assay {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::string_view kNasty = "<script>alert('&\"')</script> \xff\x01 \xc3\xa4";

ReportedCase made(const std::string& id, Verdict verdict, bool expected) {
  ReportedCase reported;
  reported.id = id;
  reported.requirements = {"VER-001"};
  reported.verdict = verdict;
  reported.expected = expected;
  reported.duration_us = 1234567;
  reported.message = std::string(kNasty);
  reported.reproduce = "tools/assay grade --target hv --select " + id + " --seed 1";
  reported.rule = std::string(kNasty);
  return reported;
}

Results sample() {
  Results results;
  results.suite_version = "0.1.0";
  results.suite_digest = hex64(1);
  results.target_kind = "hv";
  results.target_name = std::string(kNasty);
  results.target_version = "1";
  results.capabilities = {"dom0", "pv64"};
  results.seed = INT64_MAX;
  results.run_digest = hex64(UINT64_MAX);
  results.duration_us = 2500000;
  results.command = "tools/assay grade";
  results.cases = {made("a.pass", Verdict::kPass, true),
                   made("a.fail@pv64", Verdict::kFail, false),
                   made("a.known", Verdict::kFail, true),
                   made("a.crash", Verdict::kCrash, false),
                   made("a.error", Verdict::kError, false),
                   made("a.skip", Verdict::kSkip, true),
                   made("a.unsure", Verdict::kInconclusive, false),
                   made("a.cured", Verdict::kPass, false)};
  results.suite_cases = 9;
  results.cases[6].tries = {3, 1};
  results.cases[0].digest = hex64(7);
  results.cases[0].source = "public/version.h";
  results.cases[0].where = "conformance/cases/a.cpp:12";
  results.cases[1].evidence = "evidence/a.fail@pv64.txt";
  results.cases[1].picture = "schedule.html";
  results.cases[1].steps = {{"d1v0", "hypercall", std::string(kNasty), false}, {"", "check", "x", true}};
  results.cases[2].reason = "not yet <b>";
  results.cases[2].link = "javascript:alert(1)";
  ReportedRequirement broken;
  broken.id = "VER-001";
  broken.level = "must";
  broken.verdict = "fail";
  broken.cases = {"a.fail@pv64"};
  broken.hypercall = "xen_version";
  broken.text = std::string(kNasty);
  broken.guests = {"pv64", "hvm"};
  broken.status = "observed";
  ReportedRequirement untested;
  untested.id = "VER-002";
  untested.level = "may";
  untested.verdict = "untested";
  untested.uncovered = "nothing shows it";
  results.requirements = {broken, untested};
  results.profiles = {{.id = "pv64-guest",
                       .title = "t",
                       .claimed = true,
                       .verdict = "fails",
                       .cases = 3,
                       .passed = 1,
                       .failed = 1,
                       .skipped = 1}};
  return results;
}

/// What the schema finds wrong; empty when nothing.
std::string violations(const nlohmann::json& document, const char* schema_file = ASSAY_RESULTS_SCHEMA) {
  const auto schema_document = nlohmann::json::parse(read_file(schema_file));
  valijson::Schema schema;
  valijson::SchemaParser parser;
  parser.populateSchema(valijson::adapters::NlohmannJsonAdapter(schema_document), schema);
  valijson::Validator validator;
  valijson::ValidationResults found;
  validator.validate(schema, valijson::adapters::NlohmannJsonAdapter(document), &found);
  std::string text;
  for (valijson::ValidationResults::Error error; found.popError(error);) {
    for (const std::string& part : error.context) text += part;
    text += ": " + error.description + "\n";
  }
  return text;
}

TEST(ResultsJson, FitsItsSchema) {
  EXPECT_EQ(violations(nlohmann::json::parse(to_json(sample()))), "");
}

TEST(ResultsJson, SchemaRefusesWhatDoesNotBelong) {
  auto document = nlohmann::json::parse(to_json(sample()));
  auto wrong = document;
  wrong["cases"][0]["verdict"] = "green";
  EXPECT_NE(violations(wrong), "");
  wrong = document;
  wrong["cases"][0].erase("reproduce");
  EXPECT_NE(violations(wrong), "");
  wrong = document;
  wrong["run"]["digest"] = "12";
  EXPECT_NE(violations(wrong), "");
  wrong = document;
  wrong["summary"].erase("unexpected_pass");
  EXPECT_NE(violations(wrong), "");
}

KillMatrix sample_matrix() {
  KillMatrix matrix{.suite_version = "1",
                    .command = "c",
                    .seed = 1,
                    .seconds = 2,
                    .reference = "xen",
                    .detectors = {"cases", "others"},
                    .faults = {},
                    .differences = {}};
  const Detection found{.found = true, .verdict = "fail", .by = "x@pv64", .message = "<b>", .steps = 5, .seconds = 1};
  matrix.faults = {{"a.b", "ports", "hv/a.cpp", "XSA-1", "it leaks", {found, {}}},
                   {"a.c", "ports", "hv/a.cpp", "XSA-2", "it stays", {{}, {}}}};
  matrix.differences = {{"closed <b>ports", "model", "sequences", "they stay closed", "mended"}};
  return matrix;
}

TEST(FaultsJson, FitsItsSchema) {
  const auto document = nlohmann::json::parse(to_json(sample_matrix()));
  EXPECT_EQ(violations(document, ASSAY_FAULTS_SCHEMA), "");
  auto wrong = document;
  wrong["faults"][0]["detectors"]["cases"]["verdict"] = "green";
  EXPECT_NE(violations(wrong, ASSAY_FAULTS_SCHEMA), "");
  wrong = document;
  wrong["faults"][1].erase("found");
  EXPECT_NE(violations(wrong, ASSAY_FAULTS_SCHEMA), "");
  wrong = document;
  wrong["differences"][0]["wrong"] = "nobody";
  EXPECT_NE(violations(wrong, ASSAY_FAULTS_SCHEMA), "");
}

TEST(FaultsJson, SaysWhatFoundAFault_AndHowSoon) {
  const auto document = nlohmann::json::parse(to_json(sample_matrix()));
  EXPECT_EQ(document["summary"]["found"], 1);
  EXPECT_EQ(document["summary"]["by_detector"]["others"], 0);
  EXPECT_EQ(document["faults"][0]["detector"], "cases");
  EXPECT_EQ(document["faults"][0]["steps"], 5);
  EXPECT_EQ(document["faults"][1]["detector"], "");
}

TEST(FaultsPage, ShowsHolesAndEscapes) {
  const std::string page = to_html(sample_matrix());
  EXPECT_NE(page.find("1 of 2 planted faults found"), std::string::npos);
  EXPECT_NE(page.find("Not found by anything: 1"), std::string::npos);
  EXPECT_NE(page.find("--fault a.b --select x@pv64"), std::string::npos);
  EXPECT_NE(page.find("closed &lt;b&gt;ports"), std::string::npos);
  EXPECT_NE(page.find("the model was wrong"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
}

TEST(FaultsPage, HasAColumnOfEachDetector_AndTheLineThatRepeatsIt) {
  KillMatrix matrix = sample_matrix();
  matrix.detectors = {"cases", "properties", "fuzz", "differential"};
  const auto by = [](const char* what) {
    return Detection{.found = true, .verdict = "fail", .by = what, .message = "m", .steps = 2, .seconds = 1};
  };
  matrix.faults = {{"a.b",
                    "ports",
                    "hv/a.cpp",
                    "XSA-1",
                    "it leaks",
                    {by("x@pv64"), {}, by("registers: 00"), by("events@pv64: send@0(1)")}}};
  const std::string page = to_html(matrix);
  for (const std::string& detector : matrix.detectors) EXPECT_THAT(page, HasSubstr("<span>" + detector + "</span>"));
  EXPECT_THAT(page, HasSubstr("tools/assay check --faults --select a.b --detectors fuzz"));
  EXPECT_THAT(page, HasSubstr("tools/assay check --fault a.b --differential hv,xen --play &#39;events@pv64"));
  const auto document = nlohmann::json::parse(to_json(matrix));
  EXPECT_EQ(violations(document, ASSAY_FAULTS_SCHEMA), "");
  EXPECT_EQ(document["summary"]["by_detector"]["differential"], 1);
}

TEST(ResultsJson, ReadingGivesBackWhatWasWritten) {
  const std::string text = to_json(sample());
  EXPECT_EQ(to_json(from_json(text)), text);
}

std::string complaint(const std::string& text) {
  try {
    from_json(text, "out/results.json");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no complaint";
}

std::string changed(const std::function<void(nlohmann::ordered_json&)>& change) {
  auto document = nlohmann::ordered_json::parse(to_json(sample()));
  change(document);
  return document.dump(1) + "\n";
}

TEST(ResultsJson, NoJson_IsRefused_WithItsPlace) {
  EXPECT_THAT(complaint(""), StartsWith("out/results.json:1:1: the file ends here"));
  EXPECT_THAT(complaint("[1,2"), StartsWith("out/results.json:1:5: the file ends here"));
  EXPECT_THAT(complaint("{\n  \"a\": nope\n}"), StartsWith("out/results.json:2:9: not JSON"));
  const std::string whole = to_json(sample());
  EXPECT_THAT(complaint(whole.substr(0, whole.size() / 2)), HasSubstr("cut short"));
}

TEST(ResultsJson, OtherJson_IsRefused) {
  EXPECT_THAT(complaint("{}"), StartsWith("out/results.json:1:1: not the results of a run"));
  EXPECT_THAT(complaint("[]"), StartsWith("out/results.json:1:1: the document must be an object"));
  EXPECT_THAT(complaint(changed([](auto& json) { json["schema"] = "two"; })), StartsWith("out/results.json:2:12: "));
}

TEST(ResultsJson, OtherVersions_AreRefused_AndTheMessageSaysWhatToDo) {
  EXPECT_THAT(complaint(changed([](auto& json) { json.erase("schema"); })),
              AllOf(HasSubstr("an older Assay (schema 1, this one reads 2)"), HasSubstr("grade the target again")));
  EXPECT_THAT(complaint(changed([](auto& json) { json["schema"] = 1; })), HasSubstr("an older Assay"));
  EXPECT_THAT(complaint(changed([](auto& json) { json["schema"] = 3; })), HasSubstr("a newer Assay"));
}

TEST(ResultsJson, WhatDoesNotBelong_IsRefused_WithItsPlace) {
  const std::string green = changed([](auto& json) { json["cases"][1]["verdict"] = "green"; });
  EXPECT_THAT(complaint(green), HasSubstr("'green' is no verdict"));
  const size_t before = green.find("\"green\"");
  const auto line = 1 + std::count(green.begin(), green.begin() + static_cast<std::ptrdiff_t>(before), '\n');
  EXPECT_THAT(complaint(green), StartsWith("out/results.json:" + std::to_string(line) + ":15: "));
  EXPECT_THAT(complaint(changed([](auto& json) { json["cases"][2].erase("message"); })),
              HasSubstr("'message' is missing"));
  EXPECT_THAT(complaint(changed([](auto& json) { json["run"]["seed"] = -1; })), HasSubstr("'seed' must be"));
  EXPECT_THAT(complaint(changed([](auto& json) { json["cases"][1]["id"] = "a.pass"; })), HasSubstr("is there twice"));
  EXPECT_THAT(complaint(changed([](auto& json) { json["requirements"][0]["level"] = "ought"; })), HasSubstr("'ought'"));
  EXPECT_THAT(complaint(changed([](auto& json) { json["cases"][1]["evidence"] = "evidence/../../etc/passwd"; })),
              HasSubstr("no file in evidence/"));
  EXPECT_THAT(complaint(changed([](auto& json) { json["cases"][6]["tries"]["failed"] = 4; })),
              HasSubstr("4 of 3 tries fail"));
  for (const char* const picture : {"../a.html", "javascript:a.html", ".html", "a.html.exe", "http://a/b.html"}) {
    EXPECT_THAT(complaint(changed([&](auto& json) { json["cases"][1]["picture"] = picture; })),
                HasSubstr("is no page beside this file"));
  }
}

TEST(JsonPlace, FindsWhatAPathLeadsTo) {
  const std::string text = "{ \"a\": [1, {\"b}\": \"x,]\\\"\"}, [ ]],\n \"c\" : {\"d\": null} }";
  EXPECT_EQ(text.substr(find_value(text, {"a", "1", "b}"}), 5), "\"x,]\\");
  EXPECT_EQ(text.substr(find_value(text, {"a", "2"}), 3), "[ ]");
  EXPECT_EQ(text.substr(find_value(text, {"c", "d"}), 4), "null");
  EXPECT_EQ(find_value(text, {"a", "7"}), text.find('['));
  EXPECT_EQ(find_value(text, {"none"}), 0u);
  EXPECT_EQ(place_of_byte(text, find_value(text, {"c"})).line, 2u);
  EXPECT_EQ(place_of_byte(text, find_value(text, {"c"})).column, 8u);
}

TEST(Summary, CountsVerdictsAndWhatWasAnnounced) {
  const Summary summary = summarise(sample());
  EXPECT_EQ(summary.total(), 8u);
  EXPECT_EQ(summary[Verdict::kPass], 2u);
  EXPECT_EQ(summary[Verdict::kFail], 2u);
  EXPECT_EQ(summary.expected_fail, 1u);
  EXPECT_EQ(summary.unexpected_pass, 1u);
  EXPECT_EQ(summary.unexpected, 5u);
}

TEST(Summary, UnexpectedComeFirst_WorstFirst) {
  const Results results = sample();
  const auto ordered = unexpected_first(results);
  EXPECT_EQ(ordered[0]->id, "a.error");
  EXPECT_EQ(ordered[1]->id, "a.crash");
  EXPECT_EQ(ordered[2]->id, "a.fail@pv64");
  EXPECT_EQ(ordered[5]->id, "a.pass");
}

TEST(Junit, IsWellFormed_AndCountsAgree) {
  pugi::xml_document document;
  const std::string text = to_junit(sample());
  ASSERT_TRUE(document.load_string(text.c_str()));
  const auto suite = document.child("testsuites").child("testsuite");
  EXPECT_EQ(suite.attribute("tests").as_uint(), 8u);
  EXPECT_EQ(suite.attribute("failures").as_uint(), document.select_nodes("//failure").size());
  EXPECT_EQ(suite.attribute("errors").as_uint(), document.select_nodes("//error").size());
  EXPECT_EQ(suite.attribute("skipped").as_uint(), document.select_nodes("//skipped").size());
  EXPECT_EQ(document.select_nodes("//failure").size(), 3u);  // fail, crash, unexpected pass
  const std::string failure = document.select_node("//testcase[@name='a.fail@pv64']/failure").node().text().get();
  EXPECT_THAT(failure, HasSubstr("tools/assay grade --target hv --select a.fail@pv64 --seed 1"));
  EXPECT_THAT(text, Not(HasSubstr("\x01")));
}

TEST(Junit, HasAPropertyForEachProfile) {
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(to_junit(sample()).c_str()));
  const auto suite = document.child("testsuites").child("testsuite");
  EXPECT_STREQ(suite.first_child().name(), "properties");
  EXPECT_STREQ(suite.select_node("//property[@name='profile.pv64-guest']").node().attribute("value").value(),
               "pv64-guest (claimed): fails; 1 of 3 cases pass, 1 fail, 1 skipped");
}

TEST(Compare, SortsWhatHasChanged) {
  Results before;
  before.cases = {made("a.gone", Verdict::kPass, true),   made("a.broken", Verdict::kPass, true),
                  made("a.lost", Verdict::kPass, true),   made("a.cured", Verdict::kFail, false),
                  made("a.worse", Verdict::kFail, false), made("a.same", Verdict::kFail, false)};
  Results now;
  now.cases = {made("a.new", Verdict::kFail, false),    made("a.same", Verdict::kFail, false),
               made("a.worse", Verdict::kCrash, false), made("a.cured", Verdict::kPass, true),
               made("a.lost", Verdict::kSkip, true),    made("a.broken", Verdict::kFail, false)};
  std::vector<std::string> found;
  for (const Change& change : compare(before, now))
    found.push_back(std::string(to_string(change.kind)) + " " + change.id);
  EXPECT_THAT(found, ElementsAre("regressed a.lost", "regressed a.broken", "fixed a.cured", "changed a.worse",
                                 "new a.new", "gone a.gone"));
  EXPECT_THAT(compare(now, now), ElementsAre());
}

TEST(Compare, OtherSuitesAndInterruptions_AreCaveats) {
  Results a = sample();
  Results b = sample();
  EXPECT_THAT(caveats(a, "a", b, "b"), ElementsAre());
  b.suite_digest = hex64(2);
  b.cases.pop_back();
  EXPECT_THAT(caveats(a, "a", b, "b"), ElementsAre(HasSubstr("cases only in a: 1, only in b: 0")));
  b.suite_digest = a.suite_digest;
  b.interrupted = true;
  EXPECT_THAT(caveats(a, "a", b, "b"), ElementsAre(HasSubstr("same part"), HasSubstr("b was interrupted")));
}

TEST(Trace, Csv_HasALineForEachCase_AndQuotesQuotes) {
  const Trace trace{{"hv"},
                    {{.id = "A-1",
                      .level = "must",
                      .hypercall = "h",
                      .operation = "",
                      .text = "say \"x\"",
                      .source = "s",
                      .promise = "",
                      .status = "read",
                      .evidence = "",
                      .uncovered = "",
                      .cases = {{"a.b@pvh", "r", {"pass"}}, {"a.c", "r", {""}}}},
                     {.id = "A-2",
                      .level = "may",
                      .hypercall = "h",
                      .operation = "",
                      .text = "t",
                      .source = "s",
                      .promise = "",
                      .status = "read",
                      .evidence = "",
                      .uncovered = "why",
                      .cases = {}}}};
  const std::string csv = to_csv(trace);
  EXPECT_THAT(csv, HasSubstr("\"case\",\"verdict hv\"\r\n"));
  EXPECT_THAT(csv, HasSubstr("\"say \"\"x\"\"\""));
  EXPECT_THAT(csv, HasSubstr("\"a.b@pvh\",\"pass\"\r\n"));
  EXPECT_THAT(csv, HasSubstr("\"why\",\"\",\"\"\r\n"));
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 4);
  const std::string items = to_openfasttrace(trace);
  EXPECT_THAT(items, HasSubstr("`req~A-1~1`\n"));
  EXPECT_THAT(items, HasSubstr("`itest~a.b.pvh~1`\n"));
  EXPECT_THAT(items, HasSubstr("Covers:\n\n* `req~A-1~1`\n"));
  EXPECT_EQ(items.find("Needs: itest"), items.rfind("Needs: itest"));  // what nothing can observe needs no case
}

TEST(Pack, Base64_OfEveryLength) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("\xff\xfe\xfd\xfc"), "//79/A==");
}

TEST(PageFiles, OneScript_WithoutImports) {
  const std::string script = page_script("main.js");
  EXPECT_THAT(script, Not(HasSubstr("\nimport ")));
  EXPECT_THAT(script, Not(HasSubstr("\nexport ")));
  EXPECT_LT(script.find("\nfunction parseState("), script.find("\nfunction start("));
  EXPECT_THAT(script, Not(HasSubstr("innerHTML")));
}

TEST(SchedulePage, EscapesWhatItIsGiven_AndIsOneFile) {
  const std::string nasty(kNasty);
  SchedulePage head{.scenario = nasty, .about = nasty, .verdict = nasty, .reproduce = nasty, .made_by = nasty};
  head.messages = {nasty, nasty};
  head.facts = {{nasty, nasty}};
  head.trace = "\"onclick=x";
  const std::string page = schedule_page(head, R"({"domains":"</script><b>"})");
  EXPECT_THAT(page, Not(HasSubstr(nasty)));
  EXPECT_THAT(page, HasSubstr(html_escape(nasty)));
  EXPECT_THAT(page, Not(HasSubstr("</script><b>")));
  EXPECT_THAT(page, Not(HasSubstr("\"\"onclick")));
  const std::string script = page_script("schedule.js");
  EXPECT_THAT(script, Not(HasSubstr("\nimport ")));
  EXPECT_THAT(script, Not(HasSubstr("innerHTML")));
}

TEST(PageModel, RunsStandSideBySide_AndStepsApart) {
  const Results one = sample();
  Results two = sample();
  two.cases.erase(two.cases.begin());
  const std::vector<PageRun> runs{{.label = "a", .results = &one}, {.label = "b", .results = &two}};
  const PageModel model = page_model(runs, false);
  const auto data = nlohmann::json::parse(model.data);
  EXPECT_EQ(data["runs"].size(), 2u);
  EXPECT_EQ(data["cases"].size(), 8u);
  const auto pass =
      std::find_if(data["cases"].begin(), data["cases"].end(), [](const auto& each) { return each["id"] == "a.pass"; });
  EXPECT_TRUE((*pass)["runs"][1].is_null());
  EXPECT_EQ(data["requirements"][0]["verdicts"], nlohmann::json({"fail", "fail"}));
  EXPECT_THAT(model.data, Not(HasSubstr("d1v0")));
  ASSERT_EQ(model.blocks.size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(model.blocks[0])["a.fail@pv64"][1]["steps"][0][0], "d1v0");
}

TEST(Labels, AreTheKind_OrTheFolder_AndDiffer) {
  std::vector<ReportSource> sources(3);
  sources[0] = {"out/hv", sample()};
  sources[1] = {"old/core/", sample()};
  sources[2] = {"new/core", sample()};
  sources[1].results.target_kind = sources[2].results.target_kind = "core";
  EXPECT_THAT(labels(sources), ElementsAre("hv", "core", "core #2"));
}

TEST(Html, EscapesEverything_AndLinksOnlyToPages) {
  const std::string page = to_html(sample());
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("href=\"javascript:")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"));
  EXPECT_THAT(page, HasSubstr("5 unexpected results"));
}

TEST(Html, NeedsNothingFromElsewhere) {
  const std::string page = to_html(sample());
  EXPECT_THAT(page, Not(HasSubstr("src=")));
  EXPECT_THAT(page, Not(HasSubstr("@import")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
}

TEST(Html, SaysSoWhenNothingIsUnexpected_OrNothingRan) {
  Results results = sample();
  results.cases = {made("a.pass", Verdict::kPass, true)};
  EXPECT_THAT(to_html(results), HasSubstr("All as expected"));
  results.cases = {made("a.skip", Verdict::kSkip, true)};
  EXPECT_THAT(to_html(results), HasSubstr("Nothing ran"));
  results.interrupted = true;
  EXPECT_THAT(to_html(results), HasSubstr("Interrupted"));
}

TEST(Utf8, InvalidBytes_AreReplaced) {
  EXPECT_EQ(valid_utf8("a\xff"), "a\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"), "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  EXPECT_EQ(valid_utf8("\xc0\x80"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(valid_utf8("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

}  // namespace
}  // namespace assay
