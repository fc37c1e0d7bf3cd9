/// What the program's exit code says about a run.
#pragma once

#include "reports/results.hpp"

namespace assay {

enum ExitCode : int {
  kExitExpected = 0,    ///< everything as expected, and something ran
  kExitUnexpected = 1,  ///< a failure that was not announced, or a pass that was announced as a failure
  /// Nothing worse than inconclusive, and not as expected: a failure that does not repeat, too. Or no case told
  /// anything.
  kExitInconclusive = 2,
  kExitBadInput = 64,      ///< bad usage or a bad input file
  kExitUnavailable = 69,   ///< the target cannot be had on this machine
  kExitHarness = 70,       ///< the harness is at fault, or results could not be written
  kExitInterrupted = 130,  ///< stopped by a signal; results so far are kept
};

/// As the cases that are there say; what kept others from running is the caller's to add.
ExitCode exit_code(const Results& results);

/// Of several targets: the one that says most. Interrupted, harness, unexpected, unavailable, inconclusive, expected.
ExitCode worst(ExitCode a, ExitCode b);

}  // namespace assay
