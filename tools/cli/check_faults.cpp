#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "conformance/runner/assemble.hpp"
#include "conformance/runner/input_error.hpp"
#include "fuzz/differences/differences.hpp"
#include "fuzz/faults/campaign.hpp"
#include "fuzz/faults/cases_detector.hpp"
#include "fuzz/faults/properties_detector.hpp"
#include "reports/write_file.hpp"
#include "tools/cli/command_line.hpp"
#include "tools/cli/run_trouble.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

Campaign make_campaign(const CheckFlags& flags) {
  const unsigned jobs = flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
  Campaign campaign{.faults = select_faults(flags.select), .detectors = {}, .core_with = make_faulty_core};
  campaign.detectors.push_back(std::make_unique<CasesDetector>(all_variants(), flags.seed, jobs));
  campaign.detectors.push_back(std::make_unique<PropertiesDetector>(flags.seed, jobs));
  return campaign;
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

}  // namespace

ExitCode check_faults(const CheckFlags& flags) {
  if (flags.target != "hv") {
    throw InputError(fmt::format("--target {}: only the bundled core, hv, has planted faults", flags.target));
  }
  const Campaign campaign = make_campaign(flags);
  prepare_out(flags.out);
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
  matrix.differences = all_differences();
  print_summary(matrix);
  write(flags.out, matrix);
  if (matrix.interrupted) return kExitInterrupted;
  const KillSummary summary = summarise(matrix);
  return summary.found == summary.faults ? kExitExpected : kExitUnexpected;
}

}  // namespace assay
