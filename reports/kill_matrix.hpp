/// Which planted fault is found by what: the results of `assay check --faults`, as JSON and as a page.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reports/difference.hpp"

namespace assay {

/// What one detector came to on one core.
struct Detection {
  bool found = false;
  std::string verdict;  ///< "fail", "crash", "timeout", ...; empty when nothing was found
  std::string by;       ///< the case, the sequence or the input that found it
  std::string message;
  uint64_t steps = 0;  ///< operations of guests to get there
  double seconds = 0;  ///< of the host's time
};

struct FaultRow {
  std::string name, subsystem, where, models, what;
  std::vector<Detection> detections;  ///< one a detector, in the order of KillMatrix::detectors

  [[nodiscard]] bool found() const;
  [[nodiscard]] double seconds() const;
};

struct KillMatrix {
  std::string suite_version;
  std::string command;
  uint64_t seed = 0;
  double seconds = 0;     ///< of the whole run
  std::string reference;  ///< the target that the differential detector compares with
  std::vector<std::string> detectors;
  std::vector<FaultRow> faults;
  std::vector<Difference> differences;  ///< that looking for bugs has shown so far
  bool interrupted = false;             ///< faults that nobody got to are left out
};

struct KillSummary {
  size_t faults = 0;
  size_t found = 0;
  std::vector<size_t> by_detector;
  uint64_t median_steps = 0;  ///< of the shortest way to each fault that was found
};
KillSummary summarise(const KillMatrix& matrix);

/// As reports/schema/faults.schema.json says.
std::string to_json(const KillMatrix& matrix);
/// One file that works offline.
std::string to_html(const KillMatrix& matrix);

}  // namespace assay
