#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "reports/json_reader.hpp"
#include "reports/results.hpp"
#include "sim/input/json_place.hpp"

namespace assay {
namespace {

constexpr std::array<std::string_view, 3> kLevels{"must", "should", "may"};
constexpr std::array<std::string_view, 3> kProfileVerdicts{"conforms", "fails", "incomplete"};

template <size_t kCount>
std::string one_of(const JsonReader& value, const std::array<std::string_view, kCount>& known) {
  const std::string name = value.text();
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    value.fail(fmt::format("'{}' is not known here; known are {}", name, fmt::join(known, ", ")));
  }
  return name;
}

Verdict verdict_of(const JsonReader& value) {
  const auto verdict = verdict_from(value.text());
  if (!verdict) value.fail(fmt::format("'{}' is no verdict", value.text()));
  return *verdict;
}

/// Reports read this file and link to it: it must be one that the run itself has written.
std::string evidence_of(const JsonReader& value) {
  const auto found = value.find("evidence");
  if (!found) return "";
  std::string path = found->text();
  if (!path.starts_with("evidence/") || path.find("..") != std::string::npos) {
    found->fail(fmt::format("'{}' is no file in evidence/", path));
  }
  return path;
}

/// Reports link to it.
std::string picture_of(const JsonReader& value) {
  const auto found = value.find("picture");
  if (!found) return "";
  std::string name = found->text();
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  const size_t plain = std::min(name.find_first_not_of(kPlain), name.size());
  if (plain == 0 || name.substr(plain) != ".html") found->fail(fmt::format("'{}' is no page beside this file", name));
  return name;
}

std::vector<ReportedStep> steps_of(const JsonReader& value) {
  std::vector<ReportedStep> steps;
  const auto found = value.find("steps");
  if (!found) return steps;
  for (const JsonReader& step : found->items()) {
    const auto failed = step.find("failed");
    steps.push_back({step.text_or("vcpu", ""), step.at("kind").text(), step.at("text").text(),
                     failed.has_value() && failed->flag()});
  }
  return steps;
}

Tries tries_of(const JsonReader& value) {
  const auto found = value.find("tries");
  if (!found) return {};
  constexpr uint64_t kPlayedMax = UINT32_MAX;
  const uint64_t played = found->at("played").number();
  const uint64_t failed = found->at("failed").number();
  if (played < 2 || played > kPlayedMax || failed == 0 || failed > played) {
    found->fail(fmt::format("nothing is played again of which {} of {} tries fail", failed, played));
  }
  return {static_cast<uint32_t>(played), static_cast<uint32_t>(failed)};
}

ReportedCase case_of(const JsonReader& value) {
  ReportedCase made;
  made.id = value.at("id").text();
  made.requirements = value.at("requirements").texts();
  made.verdict = verdict_of(value.at("verdict"));
  made.expected = value.at("expected").flag();
  made.duration_us = value.at("duration_us").number();
  made.message = value.at("message").text();
  made.tries = tries_of(value);
  made.reproduce = value.at("reproduce").text();
  made.rule = value.text_or("rule", "");
  made.source = value.text_or("source", "");
  made.method = value.text_or("method", "");
  made.where = value.text_or("where", "");
  made.digest = value.text_or("digest", "");
  made.reason = value.text_or("reason", "");
  made.link = value.text_or("link", "");
  made.evidence = evidence_of(value);
  made.picture = picture_of(value);
  made.steps = steps_of(value);
  return made;
}

ReportedRequirement requirement_of(const JsonReader& value) {
  ReportedRequirement made;
  made.id = value.at("id").text();
  made.level = one_of(value.at("level"), kLevels);
  made.verdict = value.at("verdict").text();
  if (made.verdict != "untested") (void)verdict_of(value.at("verdict"));
  made.cases = value.at("cases").texts();
  made.hypercall = value.text_or("hypercall", "");
  made.operation = value.text_or("operation", "");
  made.text = value.text_or("text", "");
  made.source = value.text_or("source", "");
  made.promise = value.text_or("promise", "");
  if (const auto guests = value.find("guests")) made.guests = guests->texts();
  made.status = value.text_or("status", "");
  made.evidence = value.text_or("evidence", "");
  made.pv = value.text_or("pv", "");
  made.hvm = value.text_or("hvm", "");
  made.settled = value.text_or("settled", "");
  made.uncovered = value.text_or("uncovered", "");
  return made;
}

ReportedProfile profile_of(const JsonReader& value) {
  return {.id = value.at("id").text(),
          .title = value.at("title").text(),
          .claimed = value.at("claimed").flag(),
          .verdict = one_of(value.at("verdict"), kProfileVerdicts),
          .cases = value.at("cases").number(),
          .passed = value.at("pass").number(),
          .failed = value.at("fail").number(),
          .skipped = value.at("skip").number(),
          .undecided = value.at("inconclusive").number(),
          .missing = value.at("missing").number()};
}

/// Before anything else: a file of another version would fail at some detail and mislead.
void check_schema(const JsonReader& root) {
  constexpr const char* kAgain = "grade the target again with this version of Assay";
  const auto schema = root.find("schema");
  if (!schema && root.find("suite") && root.find("run")) {
    root.fail(fmt::format("written by an older Assay (schema 1, this one reads {}); {}", kResultsSchema, kAgain));
  }
  if (!schema) root.fail("not the results of a run: 'schema' is missing; name a folder that `assay grade` has written");
  if (schema->number() < kResultsSchema) {
    schema->fail(fmt::format("written by an older Assay (schema {}, this one reads {}); {}", schema->number(),
                             kResultsSchema, kAgain));
  }
  if (schema->number() > kResultsSchema) {
    schema->fail(fmt::format("written by a newer Assay (schema {}, this one reads {}); use that one, or {}",
                             schema->number(), kResultsSchema, kAgain));
  }
}

void read_head(const JsonReader& root, Results& results) {
  const JsonReader suite = root.at("suite");
  results.suite_version = suite.at("version").text();
  results.suite_digest = suite.at("digest").text();
  results.suite_cases = suite.number_or("cases", 0);
  const JsonReader target = root.at("target");
  results.target_kind = target.at("kind").text();
  results.target_name = target.at("name").text();
  results.target_version = target.at("version").text();
  results.capabilities = target.at("capabilities").texts();
  const JsonReader run = root.at("run");
  results.seed = run.at("seed").number();
  results.run_digest = run.at("digest").text();
  results.duration_us = static_cast<uint64_t>(run.at("duration_s").real() * kMicrosecondsPerSecond + 0.5);
  results.interrupted = run.at("interrupted").flag();
  results.restarts = run.at("restarts").number();
  results.command = run.at("command").text();
}

Results read_all(const JsonReader& root) {
  check_schema(root);
  Results results;
  read_head(root, results);
  std::set<std::string> seen;
  for (const JsonReader& value : root.at("cases").items()) {
    results.cases.push_back(case_of(value));
    if (!seen.insert(results.cases.back().id).second) {
      value.at("id").fail(fmt::format("{} is there twice", results.cases.back().id));
    }
  }
  seen.clear();
  for (const JsonReader& value : root.at("requirements").items()) {
    results.requirements.push_back(requirement_of(value));
    if (!seen.insert(results.requirements.back().id).second) {
      value.at("id").fail(fmt::format("{} is there twice", results.requirements.back().id));
    }
  }
  if (const auto profiles = root.find("profiles")) {
    for (const JsonReader& value : profiles->items()) results.profiles.push_back(profile_of(value));
  }
  return results;
}

[[noreturn]] void fail_at(std::string_view text, const std::string& name, size_t byte, std::string_view what) {
  const TextPlace place = place_of_byte(text, byte);
  throw std::runtime_error(fmt::format("{}:{}:{}: {}", name, place.line, place.column, what));
}

}  // namespace

Results from_json(std::string_view text, const std::string& name) {
  try {
    return read_all(JsonReader(JsonReader::Json::parse(text)));
  } catch (const JsonReader::Json::parse_error& error) {
    const bool end = error.byte > text.size();
    fail_at(text, name, error.byte == 0 ? 0 : error.byte - 1,
            end ? "the file ends here, in the middle: it is cut short or empty"
                : "not JSON from here on: copy the file again, or have it written again");
  } catch (const JsonComplaint& complaint) {
    fail_at(text, name, find_value(text, complaint.path()), complaint.what());
  }
}

}  // namespace assay
