/// One target graded from beginning to end: run, files, summary, exit code.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/exit_code.hpp"
#include "conformance/runner/runner.hpp"

namespace assay {

struct GradeRequest {
  RunDescription run;
  std::vector<Variant> variants;
  Expectations expectations;
  Claims claims;
  RunOptions options;
  std::filesystem::path out;
};

struct Graded {
  ExitCode code = kExitExpected;
  std::string text;         ///< for the terminal; empty when the target could not be had
  std::string diagnostics;  ///< what went wrong outside the subject, one a line
};

/// Throws InputError when `out` will not do; everything else ends in the exit code.
Graded grade(const TargetFactory& make_target, const GradeRequest& request, RunObserver& progress);

}  // namespace assay
