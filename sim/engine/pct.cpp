#include "sim/engine/pct.hpp"

namespace assay {

Pct::Pct(const Rng& rng, uint32_t depth, uint64_t points) : rng_(rng) {
  for (uint32_t i = 1; i < depth; ++i) changes_.push_back(rng_.below(points));
}

uint32_t Pct::at_point(assay_point, uint32_t current, const PcpuSet& ready) {
  for (size_t i = 0; i < changes_.size(); ++i) {
    if (changes_[i] == passed_) priorities_.at(current) = static_cast<int64_t>(i) + 1;
  }
  ++passed_;
  PcpuSet enabled = ready;
  enabled.add(current);
  return highest(enabled);
}

uint32_t Pct::at_wait(uint32_t current, const PcpuSet& others) {
  fall_to_the_bottom(current);
  return highest(others);
}

uint32_t Pct::next(uint32_t last, const PcpuSet& ready) {
  const uint32_t chosen = highest(ready);
  steps_in_a_row_ = chosen == last ? steps_in_a_row_ + 1 : 0;
  uint32_t& steps = steps_.at(chosen);
  if (ready.after(chosen) != chosen) ++steps;
  if (steps_in_a_row_ <= kStepsInARowMax && steps <= kStepsMax) return chosen;
  steps_in_a_row_ = steps = 0;
  fall_to_the_bottom(chosen);
  return highest(ready);
}

// Drawn when first asked for: above what anybody falls to.
uint32_t Pct::highest(const PcpuSet& of) {
  constexpr uint64_t kPriorities = uint64_t{1} << 32;
  uint32_t best = PcpuSet::kNone;
  for (uint32_t pcpu = of.at_or_above(0); pcpu != PcpuSet::kNone; pcpu = of.at_or_above(pcpu + 1)) {
    int64_t& priority = priorities_.at(pcpu);
    if (priority == kNotDrawn) priority = static_cast<int64_t>(changes_.size() + 1 + rng_.below(kPriorities));
    if (best == PcpuSet::kNone || priority > priorities_.at(best)) best = pcpu;
  }
  return best;
}

}  // namespace assay
