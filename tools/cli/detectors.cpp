#include "tools/cli/detectors.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <thread>

#include "fuzz/faults/cases_detector.hpp"
#include "fuzz/faults/differential_detector.hpp"
#include "fuzz/faults/fuzz_detector.hpp"
#include "fuzz/faults/properties_detector.hpp"
#include "fuzz/faults/scenarios_detector.hpp"
#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"
#include "tools/cli/targets.hpp"

namespace assay {
namespace {

/// The reference may be slow; every fault costs as much on a core as all of this.
constexpr size_t kReferenceSequences = 12;  // of each family and type of guest
constexpr size_t kReferenceLength = 60;
constexpr const char* kDifferential = "differential";

unsigned jobs_of(const CheckFlags& flags) {
  return flags.jobs != 0 ? flags.jobs : std::max(1u, std::thread::hardware_concurrency());
}

Reference reference_of(const CheckFlags& flags) {
  const TargetChoice target = choose_target(flags.reference);
  RunOptions options;
  options.jobs = target.jobs;
  options.seed = flags.seed;
  options.case_limit = target.case_limit;
  return {{target.make, options}, flags.seed, kReferenceSequences, kReferenceLength};
}

std::unique_ptr<Detector> make_detector(const std::string& name, const CheckFlags& flags) {
  const unsigned jobs = jobs_of(flags);
  if (name == "cases") return std::make_unique<CasesDetector>(all_variants(), flags.seed, jobs);
  if (name == "properties") return std::make_unique<PropertiesDetector>(flags.seed, jobs);
  if (name == "scenarios") return std::make_unique<ScenariosDetector>(flags.seed, jobs);
  if (name == "fuzz") return std::make_unique<FuzzDetector>(flags.seed, jobs);
  return std::make_unique<DifferentialDetector>(reference_of(flags), make_faulty_core(""), flags.seed, jobs);
}

/// In this order they look, and stand in the kill matrix.
const std::vector<std::string>& detector_names() {
  static const std::vector<std::string> all{"cases", "properties", "scenarios", "fuzz", kDifferential};
  return all;
}

void must_be_known(const std::vector<std::string>& names) {
  const std::set<std::string> known(detector_names().begin(), detector_names().end());
  for (const std::string& name : names) {
    if (known.contains(name)) continue;
    throw InputError(fmt::format("--detectors {}: there is none of that name; known are {}{}", name,
                                 fmt::join(detector_names(), ", "), did_you_mean(nearest(known, name))));
  }
}

}  // namespace

std::vector<std::unique_ptr<Detector>> make_detectors(const CheckFlags& flags) {
  must_be_known(flags.detectors);
  std::vector<std::unique_ptr<Detector>> detectors;
  for (const std::string& name : detector_names()) {
    if (!flags.detectors.empty() && std::ranges::count(flags.detectors, name) == 0) continue;
    try {
      detectors.push_back(make_detector(name, flags));
    } catch (const TargetUnavailable& missing) {
      if (flags.detectors.size() == 1) throw;
      fmt::print(stderr, "assay: the {} detector is left out, it has no reference: {}\n", name, missing.what());
    }
  }
  return detectors;
}

}  // namespace assay
