#include "reports/junit.hpp"

#include <fmt/format.h>

#include <pugixml.hpp>
#include <sstream>

#include "reports/utf8.hpp"

namespace assay {
namespace {

std::string seconds(uint64_t duration_us) {
  return fmt::format("{}.{:06}", duration_us / 1000000, duration_us % 1000000);
}

/// What the run does not hold against the subject: skips, inconclusive cases and announced failures.
bool is_skipped(const ReportedCase& reported) {
  return reported.verdict == Verdict::kInconclusive || (reported.expected && reported.verdict != Verdict::kPass);
}

bool is_failed(const ReportedCase& reported) {
  return !reported.expected && !is_skipped(reported);
}

void add_failure(pugi::xml_node test, const ReportedCase& reported) {
  const bool harness = reported.verdict == Verdict::kError;
  const std::string message = unexpected_pass(reported)
                                  ? fmt::format("passed, but was expected to fail: {}", reported.reason)
                                  : reported.message;
  auto failure = test.append_child(harness ? "error" : "failure");
  failure.append_attribute("type") = std::string(to_string(reported.verdict)).c_str();
  failure.append_attribute("message") = xml_safe(message).c_str();
  const std::string text =
      fmt::format("{}\n{}\nrule: {}\n\n{}\n", to_string(reported.verdict), message, reported.rule, reported.reproduce);
  failure.text().set(xml_safe(text).c_str());
}

void add_skipped(pugi::xml_node test, const ReportedCase& reported) {
  const std::string why =
      reported.verdict <= Verdict::kInconclusive
          ? reported.message
          : fmt::format("expected {}: {} {}", to_string(reported.verdict), reported.reason, reported.link);
  test.append_child("skipped").append_attribute("message") = xml_safe(why).c_str();
}

/// The verdict of each profile, as CI systems show properties.
void add_profiles(pugi::xml_node suite, const Results& results) {
  if (results.profiles.empty()) return;
  auto properties = suite.append_child("properties");
  for (const ReportedProfile& profile : results.profiles) {
    auto property = properties.append_child("property");
    property.append_attribute("name") = xml_safe("profile." + profile.id).c_str();
    property.append_attribute("value") = xml_safe(to_line(profile)).c_str();
  }
}

void add_case(pugi::xml_node suite, const ReportedCase& reported) {
  auto test = suite.append_child("testcase");
  const size_t dot = reported.id.find('.');
  test.append_attribute("classname") = reported.id.substr(0, dot).c_str();
  test.append_attribute("name") = reported.id.c_str();
  test.append_attribute("time") = seconds(reported.duration_us).c_str();
  if (is_skipped(reported)) add_skipped(test, reported);
  if (is_failed(reported)) add_failure(test, reported);
}

}  // namespace

std::string xml_safe(std::string_view text) {
  std::string safe;
  for (const char c : valid_utf8(text)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool allowed = byte >= 0x20 || c == '\t' || c == '\n' || c == '\r';
    safe += allowed ? c : '?';
  }
  return safe;
}

std::string to_junit(const Results& results) {
  pugi::xml_document document;
  auto suite = document.append_child("testsuites").append_child("testsuite");
  uint64_t failures = 0;
  uint64_t errors = 0;
  uint64_t skipped = 0;
  add_profiles(suite, results);
  for (const ReportedCase& reported : results.cases) {
    add_case(suite, reported);
    if (is_skipped(reported)) ++skipped;
    if (is_failed(reported)) (reported.verdict == Verdict::kError ? errors : failures) += 1;
  }
  suite.append_attribute("name") = xml_safe(fmt::format("assay.{}", results.target_kind)).c_str();
  suite.append_attribute("tests") = results.cases.size();
  suite.append_attribute("failures") = failures;
  suite.append_attribute("errors") = errors;
  suite.append_attribute("skipped") = skipped;
  suite.append_attribute("time") = seconds(results.duration_us).c_str();
  std::ostringstream out;
  document.save(out, "  ");
  return out.str();
}

}  // namespace assay
