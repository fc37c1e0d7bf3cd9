#include "tools/cli/run_trouble.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"

namespace assay {

ExitCode report_trouble(const RunOutcome& run) {
  for (const std::string& said : {run.unavailable, run.harness_fault}) {
    if (!said.empty()) fmt::print(stderr, "assay: {}\n", said);
  }
  if (run.interrupted) return kExitInterrupted;
  if (!run.unavailable.empty()) return kExitUnavailable;
  return run.harness_fault.empty() ? kExitExpected : kExitHarness;
}

void prepare_out(const std::string& folder) {
  if (folder.empty()) return;
  try {
    make_folder(folder);
  } catch (const WriteError& error) {
    throw InputError(fmt::format("--out {}: {}", folder, error.what()));
  }
}

void expect_free(const std::filesystem::path& file, bool force) {
  std::error_code error;
  if (!force && std::filesystem::exists(std::filesystem::symlink_status(file, error))) {
    throw InputError(fmt::format("{}: there already; --force replaces it", file.string()));
  }
}

}  // namespace assay
