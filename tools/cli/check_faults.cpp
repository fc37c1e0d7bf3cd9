#include <fmt/format.h>

#include <cstdio>
#include <filesystem>

#include "conformance/runner/assemble.hpp"
#include "fuzz/differences/differences.hpp"
#include "fuzz/faults/campaign.hpp"
#include "reports/write_file.hpp"
#include "sim/input/input_error.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/detectors.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

Campaign make_campaign(const CheckFlags& flags) {
  return {.faults = select_faults(flags.select), .detectors = make_detectors(flags), .core_with = make_faulty_core};
}

/// "cases fail xen_version.version@pv64 (3 steps)", of every detector.
std::string line_of(const FaultRow& row, const Campaign& campaign) {
  std::string text;
  for (size_t i = 0; i < row.detections.size(); ++i) {
    const Detection& detection = row.detections[i];
    const std::string said =
        detection.found ? fmt::format("{} {} ({} steps)", detection.verdict, detection.by, detection.steps) : "nothing";
    text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", campaign.detectors[i]->name(), said);
  }
  return text;
}

void print_summary(const KillMatrix& matrix) {
  const KillSummary summary = summarise(matrix);
  for (const FaultRow& row : matrix.faults) {
    if (!row.found()) fmt::print("not found: {}: {}\n", row.name, row.what);
  }
  fmt::print("found {} of {} planted faults", summary.found, summary.faults);
  for (size_t i = 0; i < matrix.detectors.size(); ++i) {
    fmt::print("{}{} {}", i == 0 ? ": " : ", ", matrix.detectors[i], summary.by_detector[i]);
  }
  fmt::print("; median {} steps; {:.0f} s\n", summary.median_steps, matrix.seconds);
}

void write(const std::filesystem::path& out, const KillMatrix& matrix) {
  if (out.empty()) return;
  write_file(out / "faults.json", to_json(matrix));
  write_file(out / "faults.html", to_html(matrix));
  fmt::print("report: {}\n", (out / "faults.html").string());
}

ExitCode run(const CheckFlags& flags) {
  prepare_out(flags.out);
  const Campaign campaign = make_campaign(flags);
  if (const std::string trouble = baseline_trouble(campaign); !trouble.empty()) {
    fmt::print(stderr, "assay: {}\n", trouble);
    return kExitUnexpected;
  }
  size_t done = 0;
  KillMatrix matrix = run_campaign(campaign, [&](const FaultRow& row) {
    fmt::print("[{:3}/{}] {} {}  {}\n", ++done, campaign.faults.size(), row.found() ? "found " : "MISSED", row.name,
               line_of(row, campaign));
    std::fflush(stdout);
  });
  matrix.suite_version = suite_version();
  matrix.command = flags.command;
  matrix.seed = flags.seed;
  matrix.reference = flags.reference;
  matrix.differences = all_differences();
  print_summary(matrix);
  write(flags.out, matrix);
  if (matrix.interrupted) return kExitInterrupted;
  const KillSummary summary = summarise(matrix);
  return summary.found == summary.faults ? kExitExpected : kExitUnexpected;
}

}  // namespace

ExitCode check_faults(const CheckFlags& flags) {
  if (flags.target != "hv") {
    throw InputError(fmt::format("--target {}: only the bundled core, hv, has planted faults", flags.target));
  }
  try {
    return run(flags);
  } catch (const Interrupted&) {
    fmt::print(stderr, "assay: interrupted before the first fault\n");
    return kExitInterrupted;
  } catch (const TargetUnavailable& missing) {
    fmt::print(stderr, "assay: {}\n", missing.what());
    return kExitUnavailable;
  }
}

}  // namespace assay
