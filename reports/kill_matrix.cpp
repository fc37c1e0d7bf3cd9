#include "reports/kill_matrix.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace assay {
namespace {

using nlohmann::ordered_json;

constexpr int kFaultsSchema = 1;

/// The detection that took the fewest steps; null when nothing found the fault.
const Detection* shortest(const FaultRow& row) {
  const Detection* best = nullptr;
  for (const Detection& detection : row.detections) {
    if (detection.found && (best == nullptr || detection.steps < best->steps)) best = &detection;
  }
  return best;
}

ordered_json detection_json(const Detection& detection) {
  return {{"found", detection.found},     {"verdict", detection.verdict}, {"by", detection.by},
          {"message", detection.message}, {"steps", detection.steps},     {"seconds", detection.seconds}};
}

ordered_json row_json(const KillMatrix& matrix, const FaultRow& row) {
  ordered_json detectors = ordered_json::object();
  for (size_t i = 0; i < row.detections.size(); ++i) detectors[matrix.detectors[i]] = detection_json(row.detections[i]);
  const auto first = std::ranges::find(row.detections, true, &Detection::found);
  const Detection* best = shortest(row);
  return {{"name", row.name},
          {"subsystem", row.subsystem},
          {"where", row.where},
          {"models", row.models},
          {"what", row.what},
          {"found", row.found()},
          {"detector", row.found() ? matrix.detectors[static_cast<size_t>(first - row.detections.begin())] : ""},
          {"steps", best == nullptr ? 0 : best->steps},
          {"seconds", row.seconds()},
          {"detectors", detectors}};
}

ordered_json difference_json(const Difference& difference) {
  return {{"name", difference.name},
          {"wrong", difference.wrong},
          {"found_by", difference.found_by},
          {"what", difference.what},
          {"now", difference.now}};
}

}  // namespace

bool FaultRow::found() const {
  return std::ranges::any_of(detections, &Detection::found);
}

double FaultRow::seconds() const {
  double all = 0;
  for (const Detection& detection : detections) all += detection.seconds;
  return all;
}

KillSummary summarise(const KillMatrix& matrix) {
  KillSummary summary{.faults = matrix.faults.size(), .by_detector = std::vector<size_t>(matrix.detectors.size())};
  std::vector<uint64_t> steps;
  for (const FaultRow& row : matrix.faults) {
    if (const Detection* best = shortest(row); best != nullptr) steps.push_back(best->steps);
    for (size_t i = 0; i < row.detections.size(); ++i) {
      if (row.detections[i].found) ++summary.by_detector[i];
    }
  }
  summary.found = steps.size();
  std::ranges::sort(steps);
  if (!steps.empty()) summary.median_steps = steps[steps.size() / 2];
  return summary;
}

std::string to_json(const KillMatrix& matrix) {
  const KillSummary summary = summarise(matrix);
  ordered_json by_detector = ordered_json::object();
  for (size_t i = 0; i < matrix.detectors.size(); ++i) by_detector[matrix.detectors[i]] = summary.by_detector[i];
  ordered_json differences = ordered_json::array();
  for (const Difference& difference : matrix.differences) differences.push_back(difference_json(difference));
  ordered_json faults = ordered_json::array();
  for (const FaultRow& row : matrix.faults) faults.push_back(row_json(matrix, row));
  const ordered_json document{{"schema", kFaultsSchema},
                              {"suite", matrix.suite_version},
                              {"command", matrix.command},
                              {"seed", matrix.seed},
                              {"seconds", matrix.seconds},
                              {"interrupted", matrix.interrupted},
                              {"detectors", matrix.detectors},
                              {"summary",
                               {{"faults", summary.faults},
                                {"found", summary.found},
                                {"by_detector", by_detector},
                                {"median_steps", summary.median_steps}}},
                              {"differences", differences},
                              {"faults", faults}};
  return document.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace assay
