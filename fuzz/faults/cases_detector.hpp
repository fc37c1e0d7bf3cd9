/// The conformance suite as a detector: its cases in their order, up to the first that does not pass.
#pragma once

#include <vector>

#include "conformance/runner/variants.hpp"
#include "fuzz/faults/detector.hpp"

namespace assay {

class CasesDetector final : public Detector {
 public:
  CasesDetector(std::vector<Variant> variants, uint64_t seed, unsigned jobs)
      : variants_(std::move(variants)), seed_(seed), jobs_(jobs) {}

  [[nodiscard]] std::string_view name() const override { return "cases"; }
  Detection look(const TargetFactory& make_target) override;

 private:
  std::vector<Variant> variants_;
  uint64_t seed_;
  unsigned jobs_;
};

/// Operations of guests up to the check that failed, or to the end when none did.
uint64_t operations_of(const std::vector<CaseStep>& steps);

}  // namespace assay
