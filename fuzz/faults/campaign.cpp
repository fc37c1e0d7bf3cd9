#include "fuzz/faults/campaign.hpp"

#include <fmt/format.h>

#include <chrono>

namespace assay {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Detection timed_look(Detector& detector, const Suspect& suspect) {
  const auto start = Clock::now();
  Detection detection = detector.look(suspect);
  detection.seconds = seconds_since(start);
  return detection;
}

FaultRow row_of(const Campaign& campaign, const Fault& fault) {
  FaultRow row{.name = fault.name,
               .subsystem = fault.subsystem,
               .where = fault.where,
               .models = fault.models,
               .what = fault.what,
               .detections = {}};
  const Suspect suspect(campaign.core_with(fault.name), fault.index);
  for (const auto& detector : campaign.detectors) row.detections.push_back(timed_look(*detector, suspect));
  return row;
}

/// Adds to the seconds of each what its detector's last word took, in equal parts.
void settle(Detector& detector, const std::vector<Detection*>& found) {
  const auto start = Clock::now();
  detector.settle(found);
  for (Detection* const detection : found)
    detection->seconds += seconds_since(start) / static_cast<double>(found.size());
}

void settle(const Campaign& campaign, KillMatrix& matrix) {
  for (size_t i = 0; i < campaign.detectors.size(); ++i) {
    std::vector<Detection*> found;
    for (FaultRow& row : matrix.faults) {
      if (row.detections[i].found) found.push_back(&row.detections[i]);
    }
    settle(*campaign.detectors[i], found);
  }
}

}  // namespace

std::string baseline_trouble(const Campaign& campaign) {
  const TargetFactory core = campaign.core_with("");
  for (const auto& detector : campaign.detectors) {
    const Detection detection = detector->look(core);
    if (!detection.found) continue;
    return fmt::format("without any fault the {} find something: {} {}: {}", detector->name(), detection.verdict,
                       detection.by, detection.message);
  }
  return "";
}

KillMatrix run_campaign(const Campaign& campaign, const std::function<void(const FaultRow&)>& on_row) {
  const auto start = Clock::now();
  KillMatrix matrix;
  for (const auto& detector : campaign.detectors) matrix.detectors.emplace_back(detector->name());
  try {
    for (const Fault& fault : campaign.faults) {
      matrix.faults.push_back(row_of(campaign, fault));
      on_row(matrix.faults.back());
    }
    settle(campaign, matrix);
  } catch (const Interrupted&) {
    matrix.interrupted = true;
  }
  matrix.seconds = seconds_since(start);
  return matrix;
}

}  // namespace assay
