#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "reports/results.hpp"

namespace assay {
namespace {

using json = nlohmann::ordered_json;

constexpr double kMicrosecondsPerSecond = 1e6;

json case_to_json(const ReportedCase& reported) {
  json made{{"id", reported.id},
            {"requirements", reported.requirements},
            {"verdict", to_string(reported.verdict)},
            {"expected", reported.expected},
            {"duration_us", reported.duration_us},
            {"message", reported.message},
            {"reproduce", reported.reproduce},
            {"rule", reported.rule}};
  if (!reported.reason.empty()) made["reason"] = reported.reason;
  if (!reported.link.empty()) made["link"] = reported.link;
  if (!reported.evidence.empty()) made["evidence"] = reported.evidence;
  return made;
}

ReportedCase case_from_json(const json& value) {
  ReportedCase made;
  const auto name = value.at("verdict").get<std::string>();
  const auto verdict = verdict_from(name);
  if (!verdict) throw std::runtime_error(fmt::format("'{}' is no verdict", name));
  made.id = value.at("id").get<std::string>();
  made.requirements = value.at("requirements").get<std::vector<std::string>>();
  made.verdict = *verdict;
  made.expected = value.at("expected").get<bool>();
  made.duration_us = value.at("duration_us").get<uint64_t>();
  made.message = value.at("message").get<std::string>();
  made.reproduce = value.at("reproduce").get<std::string>();
  made.rule = value.value("rule", "");
  made.reason = value.value("reason", "");
  made.link = value.value("link", "");
  made.evidence = value.value("evidence", "");
  return made;
}

json summary_to_json(const Summary& summary) {
  json made;
  for (const Verdict verdict : {Verdict::kPass, Verdict::kFail, Verdict::kSkip, Verdict::kError, Verdict::kCrash,
                                Verdict::kTimeout, Verdict::kInconclusive}) {
    made[std::string(to_string(verdict))] = summary[verdict];
  }
  made["expected_fail"] = summary.expected_fail;
  made["unexpected_pass"] = summary.unexpected_pass;
  return made;
}

json requirements_to_json(const std::vector<ReportedRequirement>& requirements) {
  json made = json::array();
  for (const ReportedRequirement& requirement : requirements) {
    made.push_back({{"id", requirement.id},
                    {"level", requirement.level},
                    {"verdict", requirement.verdict},
                    {"cases", requirement.cases}});
  }
  return made;
}

void read_head(const json& value, Results& results) {
  const json& suite = value.at("suite");
  results.suite_version = suite.at("version").get<std::string>();
  results.suite_digest = suite.at("digest").get<std::string>();
  const json& target = value.at("target");
  results.target_kind = target.at("kind").get<std::string>();
  results.target_name = target.at("name").get<std::string>();
  results.target_version = target.at("version").get<std::string>();
  results.capabilities = target.at("capabilities").get<std::vector<std::string>>();
  const json& run = value.at("run");
  results.seed = run.at("seed").get<uint64_t>();
  results.run_digest = run.at("digest").get<std::string>();
  results.duration_us = static_cast<uint64_t>(run.at("duration_s").get<double>() * kMicrosecondsPerSecond + 0.5);
  results.interrupted = run.at("interrupted").get<bool>();
  results.restarts = run.at("restarts").get<uint64_t>();
  results.command = run.at("command").get<std::string>();
}

}  // namespace

std::string to_json(const Results& results) {
  json cases = json::array();
  for (const ReportedCase& reported : results.cases) cases.push_back(case_to_json(reported));
  const json made{{"suite", {{"version", results.suite_version}, {"digest", results.suite_digest}}},
                  {"target",
                   {{"kind", results.target_kind},
                    {"name", results.target_name},
                    {"version", results.target_version},
                    {"capabilities", results.capabilities}}},
                  {"run",
                   {{"seed", results.seed},
                    {"digest", results.run_digest},
                    {"duration_s", static_cast<double>(results.duration_us) / kMicrosecondsPerSecond},
                    {"interrupted", results.interrupted},
                    {"restarts", results.restarts},
                    {"command", results.command}}},
                  {"summary", summary_to_json(summarise(results))},
                  {"cases", std::move(cases)},
                  {"requirements", requirements_to_json(results.requirements)}};
  // A subject's console may hold any bytes; what is no UTF-8 becomes U+FFFD.
  return made.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

Results from_json(std::string_view text) {
  Results results;
  try {
    const json value = json::parse(text);
    read_head(value, results);
    for (const json& reported : value.at("cases")) results.cases.push_back(case_from_json(reported));
    for (const json& requirement : value.at("requirements")) {
      results.requirements.push_back(
          {requirement.at("id").get<std::string>(), requirement.at("level").get<std::string>(),
           requirement.at("verdict").get<std::string>(), requirement.at("cases").get<std::vector<std::string>>()});
    }
  } catch (const json::exception& error) {
    throw std::runtime_error(fmt::format("not the results of a run: {}", error.what()));
  }
  return results;
}

}  // namespace assay
