#include "conformance/runner/assemble.hpp"

#include <fmt/format.h>

#include <map>

#include "conformance/runner/grade_case.hpp"
#include "conformance/runner/requirements.hpp"
#include "conformance/runner/seed.hpp"

namespace assay {
namespace {

constexpr std::string_view kSuiteVersion = "0.1.0";

std::string line_of(const CaseStep& step) {
  return step.repeats > 1 ? fmt::format("{} ({} times)", step.text, step.repeats) : step.text;
}

ReportedCase report_case(const RunDescription& run, const Variant& variant, const TargetInfo& target,
                         const CaseResult& result, const Expectations& expectations, const Claims& claims) {
  const CaseSpec& spec = variant.registered.spec;
  ReportedCase made;
  made.id = variant.id;
  for (const std::string_view requirement : spec.requirements) made.requirements.emplace_back(requirement);
  made.verdict = result.verdict;
  const bool by_chance =
      result.verdict == Verdict::kInconclusive && cannot_steer(target, variant) && !result.tries.differ();
  made.expected = by_chance || expectations.met(variant.id, result.verdict);
  made.duration_us = result.duration_us;
  made.message = result.message;
  made.tries = result.tries;
  made.reproduce = reproduction(run, variant.id);
  made.rule = spec.rule;
  made.source = spec.source;
  made.method = spec.method;
  made.where = fmt::format("{}:{}", variant.registered.file, variant.registered.line);
  if (result.digest != 0) made.digest = hex64(result.digest);
  if (const Expectation* announced = expectations.find(variant.id)) {
    made.reason = announced->reason;
    made.link = announced->link;
  }
  made.evidence = evidence_file(variant.id, result);
  for (const CaseStep& step : result.steps) {
    made.steps.push_back({step.vcpu, step.kind, line_of(step), step.failed});
  }
  const Profile* claimed = result.verdict == Verdict::kSkip ? claims.claimed_for(variant.id) : nullptr;
  if (claimed != nullptr) {
    made.expected = false;
    made.message = fmt::format("profile {} is claimed, but this case of it was skipped: {}", claimed->id, made.message);
  }
  return made;
}

/// The row as it is; no case has been looked at.
ReportedRequirement untested(const Requirement& requirement) {
  return {.id = requirement.id,
          .level = requirement.level,
          .verdict = "untested",
          .cases = {},
          .hypercall = requirement.hypercall,
          .operation = requirement.operation,
          .text = requirement.text,
          .source = requirement.source,
          .promise = requirement.promise,
          .guests = requirement.guests,
          .status = requirement.status,
          .evidence = requirement.evidence,
          .pv = requirement.pv,
          .hvm = requirement.hvm,
          .settled = requirement.settled,
          .uncovered = requirement.uncovered};
}

/// Skips, and what could not be told as was to be expected, say nothing about a requirement unless there is nothing
/// else.
bool says_nothing(const ReportedCase& reported) {
  return reported.verdict == Verdict::kSkip || (reported.verdict == Verdict::kInconclusive && reported.expected);
}

Verdict combine(const std::vector<const ReportedCase*>& answering) {
  Verdict told = Verdict::kPass;
  Verdict untold = Verdict::kPass;
  bool any = false;
  for (const ReportedCase* reported : answering) {
    Verdict& kind = says_nothing(*reported) ? untold : told;
    kind = worse(kind, reported->verdict);
    any = any || !says_nothing(*reported);
  }
  return any ? told : untold;
}

std::vector<ReportedRequirement> report_requirements(const std::vector<ReportedCase>& cases) {
  std::map<std::string_view, std::vector<const ReportedCase*>> by_id;
  for (const ReportedCase& reported : cases) {
    for (const std::string& id : reported.requirements) by_id[id].push_back(&reported);
  }
  std::vector<ReportedRequirement> all;
  for (const Requirement& requirement : requirements()) {
    ReportedRequirement made = untested(requirement);
    const auto& answering = by_id[requirement.id];
    if (!answering.empty()) {
      for (const ReportedCase* reported : answering) made.cases.push_back(reported->id);
      made.verdict = to_string(combine(answering));
    }
    all.push_back(std::move(made));
  }
  return all;
}

/// Everything that must not differ between two runs with one seed, in canonical order.
uint64_t run_digest(const std::vector<Variant>& variants, const RunOutcome& outcome) {
  Digest digest;
  for (size_t i = 0; i < variants.size(); ++i) {
    if (!outcome.results[i]) continue;
    digest.fold(variants[i].id);
    digest.fold(to_string(outcome.results[i]->verdict));
    digest.fold(outcome.results[i]->digest);
  }
  return digest.value();
}

std::string shell_quoted(const std::string& text) {
  const bool plain = text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@=+-") ==
                     std::string::npos;
  if (plain && !text.empty()) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

void add_section(std::string& text, std::string_view title, std::string_view body) {
  if (!body.empty()) text += fmt::format("\n== {}\n{}{}", title, body, body.ends_with('\n') ? "" : "\n");
}

std::string steps_text(const std::vector<CaseStep>& steps) {
  std::string text;
  for (const CaseStep& step : steps) {
    text += fmt::format("{:6} {:10} {}{}\n", step.vcpu, step.kind, step.failed ? "FAILED " : "", line_of(step));
  }
  return text;
}

}  // namespace

std::string suite_version() {
  return std::string(kSuiteVersion);
}

std::string suite_digest() {
  Digest digest;
  for (const Variant& variant : all_variants()) {
    digest.fold(variant.id);
    digest.fold(variant.registered.spec.rule);
    for (const std::string_view requirement : variant.registered.spec.requirements) digest.fold(requirement);
  }
  return hex64(digest.value());
}

std::string reproduction(const RunDescription& run, const std::string& id) {
  std::string line =
      fmt::format("tools/assay grade --target {} --select {} --seed {}", shell_quoted(run.target), id, run.seed);
  for (const std::string& option : run.options) line += fmt::format(" {}", shell_quoted(option));
  return line;
}

std::string evidence_file(const std::string& id, const CaseResult& result) {
  const bool failed = result.verdict > Verdict::kInconclusive || result.tries.differ();
  return failed ? fmt::format("evidence/{}.txt", id) : "";
}

std::string evidence_text(const Variant& variant, const CaseResult& result) {
  const CaseSpec& spec = variant.registered.spec;
  std::string text = fmt::format("{}\n{}: {}\n", variant.id, to_string(result.verdict), result.message);
  text +=
      fmt::format("\nrule: {}\nsource: {}\nmethod: {}\nrequirements: {}\ncase: {}:{}\n", spec.rule, spec.source,
                  spec.method, fmt::join(spec.requirements, ", "), variant.registered.file, variant.registered.line);
  add_section(text, "notes", fmt::format("{}", fmt::join(result.notes, "\n")));
  add_section(text, "steps", steps_text(result.steps));
  add_section(text, "console", result.console);
  add_section(text, "evidence", result.evidence);
  return text;
}

Results described(const RunOutcome& outcome, const std::string& command, uint64_t seed) {
  Results made;
  made.suite_version = suite_version();
  made.suite_digest = suite_digest();
  made.target_kind = outcome.target.kind;
  made.target_name = outcome.target.name;
  made.target_version = outcome.target.version;
  for (const Capability capability : outcome.target.capabilities) made.capabilities.emplace_back(to_string(capability));
  made.seed = seed;
  made.duration_us = static_cast<uint64_t>(outcome.duration.count());
  made.interrupted = outcome.interrupted;
  made.restarts = outcome.restarts;
  made.command = command;
  return made;
}

Results assemble(const RunDescription& run, const std::vector<Variant>& variants, const RunOutcome& outcome,
                 const Expectations& expectations, const Claims& claims) {
  Results made = described(outcome, run.command, run.seed);
  made.suite_cases = all_variants().size();
  made.run_digest = hex64(run_digest(variants, outcome));
  for (size_t i = 0; i < variants.size(); ++i) {
    if (outcome.results[i]) {
      made.cases.push_back(report_case(run, variants[i], outcome.target, *outcome.results[i], expectations, claims));
    } else {
      made.interrupted = true;
    }
  }
  made.requirements = report_requirements(made.cases);
  made.profiles = judge(claims, made.cases);
  return made;
}

}  // namespace assay
