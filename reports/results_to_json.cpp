#include <nlohmann/json.hpp>

#include "reports/results.hpp"

namespace assay {
namespace {

using json = nlohmann::ordered_json;

/// What is empty is left out: most of these texts are.
void add(json& object, const char* key, const std::string& text) {
  if (!text.empty()) object[key] = text;
}

json step_to_json(const ReportedStep& step) {
  json made{{"vcpu", step.vcpu}, {"kind", step.kind}, {"text", step.text}};
  if (step.failed) made["failed"] = true;
  return made;
}

json case_to_json(const ReportedCase& reported) {
  json made{{"id", reported.id},
            {"requirements", reported.requirements},
            {"verdict", to_string(reported.verdict)},
            {"expected", reported.expected},
            {"duration_us", reported.duration_us},
            {"message", reported.message},
            {"reproduce", reported.reproduce},
            {"rule", reported.rule}};
  if (reported.tries.played > 1) {
    made["tries"] = {{"played", reported.tries.played}, {"failed", reported.tries.failed}};
  }
  add(made, "source", reported.source);
  add(made, "method", reported.method);
  add(made, "where", reported.where);
  add(made, "digest", reported.digest);
  add(made, "reason", reported.reason);
  add(made, "link", reported.link);
  add(made, "evidence", reported.evidence);
  add(made, "picture", reported.picture);
  for (const ReportedStep& step : reported.steps) made["steps"].push_back(step_to_json(step));
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

json requirement_to_json(const ReportedRequirement& requirement) {
  json made{{"id", requirement.id},
            {"level", requirement.level},
            {"verdict", requirement.verdict},
            {"cases", requirement.cases}};
  add(made, "hypercall", requirement.hypercall);
  add(made, "operation", requirement.operation);
  add(made, "text", requirement.text);
  add(made, "source", requirement.source);
  add(made, "promise", requirement.promise);
  if (!requirement.guests.empty()) made["guests"] = requirement.guests;
  add(made, "status", requirement.status);
  add(made, "evidence", requirement.evidence);
  add(made, "pv", requirement.pv);
  add(made, "hvm", requirement.hvm);
  add(made, "settled", requirement.settled);
  add(made, "uncovered", requirement.uncovered);
  return made;
}

json profile_to_json(const ReportedProfile& profile) {
  return {{"id", profile.id},           {"title", profile.title},  {"claimed", profile.claimed},
          {"verdict", profile.verdict}, {"cases", profile.cases},  {"pass", profile.passed},
          {"fail", profile.failed},     {"skip", profile.skipped}, {"inconclusive", profile.undecided},
          {"missing", profile.missing}};
}

}  // namespace

std::string to_json(const Results& results) {
  json cases = json::array();
  for (const ReportedCase& reported : results.cases) cases.push_back(case_to_json(reported));
  json requirements = json::array();
  for (const ReportedRequirement& requirement : results.requirements) {
    requirements.push_back(requirement_to_json(requirement));
  }
  json profiles = json::array();
  for (const ReportedProfile& profile : results.profiles) profiles.push_back(profile_to_json(profile));
  json suite{{"version", results.suite_version}, {"digest", results.suite_digest}};
  if (results.suite_cases != 0) suite["cases"] = results.suite_cases;
  const json made{{"schema", kResultsSchema},
                  {"suite", std::move(suite)},
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
                  {"profiles", std::move(profiles)},
                  {"cases", std::move(cases)},
                  {"requirements", std::move(requirements)}};
  // A subject's console may hold any bytes; what is no UTF-8 becomes U+FFFD.
  return made.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace assay
