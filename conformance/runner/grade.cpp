#include "conformance/runner/grade.hpp"

#include <fmt/format.h>

#include "conformance/runner/recorder.hpp"
#include "conformance/runner/summary_text.hpp"
#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"

namespace assay {
namespace {

void prepare(const std::filesystem::path& out) {
  make_folder(out);
  make_folder(out / "evidence");
}

Graded not_started(ExitCode code, std::string why) {
  return {.code = code, .text = "", .diagnostics = std::move(why)};
}

bool nothing_ran(const RunOutcome& outcome) {
  for (const auto& result : outcome.results) {
    if (result) return false;
  }
  return true;
}

void add_diagnostic(Graded& graded, ExitCode code, const std::string& what) {
  graded.code = worst(graded.code, code);
  if (!what.empty()) graded.diagnostics += what + "\n";
}

}  // namespace

Graded grade(const TargetFactory& make_target, const GradeRequest& request, RunObserver& progress) {
  try {
    prepare(request.out);
  } catch (const WriteError& error) {
    if (!error.out_of_space())
      throw InputError(fmt::format("--out: {}; name a folder that can be written", error.what()));
    return not_started(kExitHarness,
                       fmt::format("{}; free some space or name another folder with --out\n", error.what()));
  }
  Recorder recorder(request.out, request.run, request.variants, request.expectations, request.claims, progress);
  RunOptions options = request.options;
  options.repeat.is_expected = [&request](size_t index, Verdict verdict) {
    return request.expectations.met(request.variants[index].id, verdict);
  };
  const RunOutcome outcome = run_variants(make_target, request.variants, options, recorder);
  if (!outcome.unavailable.empty() && nothing_ran(outcome)) {
    return not_started(kExitUnavailable,
                       fmt::format("target {} is not available: {}\n", request.run.target, outcome.unavailable));
  }
  if (outcome.interrupted && nothing_ran(outcome)) {
    return not_started(
        kExitInterrupted,
        fmt::format("target {}: interrupted before the first result; nothing was written\n", request.run.target));
  }
  const Results results = recorder.finish(outcome);
  const std::string report = recorder.error().empty() ? (request.out / "index.html").string() : "none, see below";
  Graded graded{outcome.interrupted ? kExitInterrupted : exit_code(results), "", ""};
  graded.text = summary_text(results, report);
  if (!outcome.unavailable.empty()) add_diagnostic(graded, kExitUnavailable, outcome.unavailable);
  if (!outcome.harness_fault.empty()) add_diagnostic(graded, kExitHarness, outcome.harness_fault);
  if (!recorder.error().empty()) add_diagnostic(graded, kExitHarness, recorder.error());
  return graded;
}

}  // namespace assay
