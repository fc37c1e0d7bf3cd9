/// Properties as a detector: random sequences of every family, by fixed seeds, up to the first that disagrees with the
/// model, which is then made small.
#pragma once

#include <cstdint>
#include <vector>

#include "fuzz/faults/detector.hpp"
#include "fuzz/faults/reach.hpp"
#include "fuzz/sequence/tasks.hpp"

namespace assay {

class PropertiesDetector final : public Detector {
 public:
  PropertiesDetector(uint64_t seed, unsigned jobs);

  [[nodiscard]] std::string_view name() const override { return "properties"; }
  /// `by` is the sequence, as `assay check --play` takes it; its length is the steps.
  Detection look(const Suspect& suspect) override;

 private:
  std::vector<fuzz::Task> tasks_;
  Reach reach_;
  uint64_t seed_;
  unsigned jobs_;
};

}  // namespace assay
