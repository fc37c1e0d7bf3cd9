/// Every detector on the bundled core with each planted fault in turn.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "fuzz/faults/catalogue.hpp"
#include "fuzz/faults/detector.hpp"

namespace assay {

struct Campaign {
  std::vector<Fault> faults;
  std::vector<std::unique_ptr<Detector>> detectors;
  /// How to make the core with a fault of this name; with none for the empty name.
  std::function<TargetFactory(const std::string& fault)> core_with;
};

/// What a detector finds in the core without a fault, as a sentence; empty when nothing: only then does it mean
/// something that a fault is found.
std::string baseline_trouble(const Campaign& campaign);

/// Rows in the order of the faults, each told to `on_row` when it is done; detectors may put some right in the end. All
/// detectors are asked about every fault.
/// An interruption ends it early, with the rows so far.
KillMatrix run_campaign(const Campaign& campaign, const std::function<void(const FaultRow&)>& on_row);

}  // namespace assay
