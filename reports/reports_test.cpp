#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validator.hpp>

#include "reports/html.hpp"
#include "reports/junit.hpp"
#include "reports/results.hpp"
#include "reports/utf8.hpp"
#include "reports/write_file.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

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
  results.cases[1].evidence = "evidence/a.fail@pv64.txt";
  results.cases[2].reason = "not yet <b>";
  results.cases[2].link = "javascript:alert(1)";
  results.requirements = {{"VER-001", "must", "fail", {"a.fail@pv64"}}, {"VER-002", "may", "untested", {}}};
  return results;
}

/// What the schema finds wrong; empty when nothing.
std::string violations(const nlohmann::json& document) {
  const auto schema_document = nlohmann::json::parse(read_file(ASSAY_RESULTS_SCHEMA));
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

TEST(ResultsJson, ReadingGivesBackWhatWasWritten) {
  const std::string text = to_json(sample());
  EXPECT_EQ(to_json(from_json(text)), text);
}

TEST(ResultsJson, AnythingElse_IsRefused) {
  EXPECT_THROW(from_json(""), std::runtime_error);
  EXPECT_THROW(from_json("{}"), std::runtime_error);
  EXPECT_THROW(from_json("[1,2"), std::runtime_error);
  auto document = nlohmann::json::parse(to_json(sample()));
  document["cases"][0]["verdict"] = "green";
  EXPECT_THROW(from_json(document.dump()), std::runtime_error);
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

TEST(Html, EscapesEverything_AndLinksOnlyToPages) {
  const std::string page = to_html(sample());
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("not yet <b>")));
  EXPECT_THAT(page, Not(HasSubstr("href=\"javascript:")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;"));
  EXPECT_THAT(page, HasSubstr("5 unexpected"));
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
