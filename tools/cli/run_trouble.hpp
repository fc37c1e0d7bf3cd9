/// What the ways to run many things at once say when they could not, and where they write.
#pragma once

#include <filesystem>
#include <string>

#include "conformance/runner/exit_code.hpp"
#include "conformance/runner/runner.hpp"

namespace assay {

/// Says on stderr what kept the run from its end; kExitExpected when nothing did.
ExitCode report_trouble(const RunOutcome& run);

/// Makes the folder of --out, so that one that will not do is known before minutes are spent. Empty: none is wanted.
void prepare_out(const std::string& folder);

/// Throws InputError when something is there already and `force` is false.
void expect_free(const std::filesystem::path& file, bool force);

}  // namespace assay
