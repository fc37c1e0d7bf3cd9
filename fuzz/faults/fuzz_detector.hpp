/// The fuzz targets that play with guests, as a detector: their corpora and a fixed number of mutations, by a seed, up
/// to the first input that breaks what the targets look at. There is no coverage here to guide the mutations.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fuzz/faults/detector.hpp"
#include "fuzz/faults/fuzz_inputs.hpp"
#include "fuzz/faults/reach.hpp"

namespace assay {

class FuzzDetector final : public Detector {
 public:
  /// Inputs of each target beside its corpus, unless somebody wants others.
  static constexpr size_t kMutations = 1000;
  FuzzDetector(uint64_t seed, unsigned jobs, size_t mutations = kMutations)
      : seed_(seed), jobs_(jobs), batches_(input_batches(seed, mutations)), reach_(batches_.size()) {}

  [[nodiscard]] std::string_view name() const override { return "fuzz"; }
  /// `by` is the input; its operations or calls are the steps. A core must be a HostTarget.
  Detection look(const Suspect& suspect) override;

 private:
  /// Batches of a target share its guests, and so whatever came by a place when these were made.
  void learn(const std::vector<std::optional<CaseResult>>& results);

  uint64_t seed_;
  unsigned jobs_;
  std::vector<InputBatch> batches_;
  Reach reach_;
};

}  // namespace assay
