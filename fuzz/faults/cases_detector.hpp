/// The conformance suite as a detector: its cases, up to the first that does not pass. The first core that passes all
/// of them, the one without a fault, shows how long each is; from then on the short ones come first, so that what is
/// found is found in few steps.
#pragma once

#include <optional>
#include <vector>

#include "conformance/runner/case_result.hpp"
#include "conformance/runner/variants.hpp"
#include "fuzz/faults/detector.hpp"
#include "fuzz/faults/reach.hpp"

namespace assay {

class CasesDetector final : public Detector {
 public:
  CasesDetector(std::vector<Variant> variants, uint64_t seed, unsigned jobs)
      : variants_(std::move(variants)), reach_(variants_.size()), seed_(seed), jobs_(jobs) {}

  [[nodiscard]] std::string_view name() const override { return "cases"; }
  Detection look(const Suspect& suspect) override;

 private:
  /// All of them, passed.
  void learn(const std::vector<std::optional<CaseResult>>& results);

  std::vector<Variant> variants_;
  Reach reach_;
  bool in_order_of_length_ = false;
  uint64_t seed_;
  unsigned jobs_;
};

/// Operations of guests up to the check that failed, or to the end when none did. A call counts once, with what is
/// written for it and read back after it; what the harness does to build guests is none of them.
uint64_t operations_of(const std::vector<CaseStep>& steps);

}  // namespace assay
