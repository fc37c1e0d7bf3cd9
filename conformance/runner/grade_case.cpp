#include "conformance/runner/grade_case.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "conformance/runner/seed.hpp"
#include "sim/toolstack/toolstack.hpp"

namespace assay {
namespace {

std::string lacking(const Target& target, const Variant& variant) {
  for (const Capability capability : variant.needs) {
    // Interleavings may come by chance, and what the case checks must hold under any: see cannot_steer.
    if (capability == Capability::kSteer) continue;
    if (!target.has(capability)) return fmt::format("the target lacks {}", to_string(capability));
  }
  return "";
}

void worsen(CaseResult& result, Verdict verdict, const std::string& message) {
  if (!result.message.empty() && verdict > result.verdict) result.notes.push_back(message);
  if (verdict <= result.verdict) return;
  result.verdict = verdict;
  result.message = message;
}

void take_over(CaseResult& result, const CaseContext& context) {
  result.verdict = context.verdict();
  result.message = context.message();
  result.notes = context.notes();
}

std::string_view describe(TargetDied::How how) {
  switch (how) {
    case TargetDied::How::kPanic:
      return "the subject panicked";
    case TargetDied::How::kHang:
      return "the subject hangs";
    case TargetDied::How::kDeadAgent:
      return "the agent in the guest died";
    case TargetDied::How::kExited:
      return "the subject exited";
  }
  return "the subject died";
}

using Body = std::function<void(CaseContext&)>;

void run_body(Target& target, const Variant& variant, const Body& body, CaseContext& context, CaseResult& result) {
  try {
    body(context);
    take_over(result, context);
    if (context.checks() == 0 && context.verdict() == Verdict::kPass) {
      worsen(result, Verdict::kError, "the case ended without a single check");
    }
  } catch (const CaseEnded&) {
    take_over(result, context);
  } catch (...) {
    take_over(result, context);
    throw;
  }
  if (cannot_steer(target.info(), variant)) {
    worsen(result, Verdict::kInconclusive, "the target cannot choose interleavings");
  }
  const std::string broken = target.audit();
  if (!broken.empty()) worsen(result, Verdict::kFail, fmt::format("the subject's own audit: {}", broken));
}

void run_guarded(Target& target, const Variant& variant, uint64_t seed, const Body& body,
                 const std::shared_ptr<CaseSteps>& steps, CaseResult& result) {
  CaseContext context(target, variant.registered.spec, variant.type, seed, steps);
  try {
    target.begin_case(seed);
    run_body(target, variant, body, context, result);
    result.digest = target.digest();
  } catch (const TargetDied& death) {
    const bool hang = death.how() == TargetDied::How::kHang;
    worsen(result, hang ? Verdict::kTimeout : Verdict::kCrash,
           fmt::format("{}: {}", describe(death.how()), death.what()));
  } catch (const ToolstackError& error) {
    worsen(result, Verdict::kFail, fmt::format("building a guest: {}", error.what()));
  } catch (const std::exception& error) {
    worsen(result, Verdict::kError, fmt::format("the harness: {}", error.what()));
  } catch (...) {
    worsen(result, Verdict::kError, "the harness: an exception that is no std::exception");
  }
  result.steps = context.steps();
}

/// A subject that has just died may fail to testify as well.
void collect_evidence(Target& target, CaseResult& result) {
  try {
    result.console = target.console();
    result.evidence = target.evidence();
  } catch (const std::exception& error) {
    result.evidence += fmt::format("no further evidence: {}", error.what());
  }
}

}  // namespace

bool cannot_steer(const TargetInfo& target, const Variant& variant) {
  return std::ranges::find(variant.needs, Capability::kSteer) != variant.needs.end() &&
         std::ranges::find(target.capabilities, Capability::kSteer) == target.capabilities.end();
}

CaseResult grade_case(Target& target, const Variant& variant, uint64_t root_seed,
                      const std::shared_ptr<CaseSteps>& steps) {
  return grade_body(target, variant, root_seed, variant.registered.spec.body, steps);
}

CaseResult grade_body(Target& target, const Variant& variant, uint64_t root_seed, const Body& body,
                      const std::shared_ptr<CaseSteps>& steps) {
  CaseResult result;
  result.verdict = Verdict::kPass;
  if (const std::string lack = lacking(target, variant); !lack.empty()) {
    result.verdict = Verdict::kSkip;
    result.message = lack;
    return result;
  }
  const auto start = std::chrono::steady_clock::now();
  const uint32_t boots = target.boots();
  run_guarded(target, variant, case_seed(root_seed, variant.registered.spec.slug), body, steps, result);
  result.boots = target.boots() - boots;
  if (result.verdict > Verdict::kInconclusive) collect_evidence(target, result);
  const auto spent = std::chrono::steady_clock::now() - start;
  result.duration_us = static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(spent).count());
  return result;
}

}  // namespace assay
