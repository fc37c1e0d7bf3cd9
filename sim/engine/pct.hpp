/// Probabilistic concurrency testing: strict priorities drawn by seed, and few changes of them.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "sim/engine/policy.hpp"

namespace assay {

/// Always goes on with the ready pCPU of the highest priority. Priorities are drawn at random; at `depth` - 1 of the
/// first `points` scheduling points, drawn at random too, the pCPU that is there falls below those that never fell.
/// So a bug that takes `depth` ordered events shows with a probability of at least 1 / (pcpus * points^(depth - 1)).
/// Who only waits for another falls below everybody, as often as it waits, so that the other gets on.
///
/// Source: Burckhardt, Kothari, Musuvathi and Nagarakatte, "A Randomized Scheduler with Probabilistic Guarantees of
/// Finding Bugs", ASPLOS 2010.
class Pct final : public SchedulePolicy {
 public:
  /// `depth` and `points` are at least 1.
  Pct(const Rng& rng, uint32_t depth, uint64_t points);
  /// The points where a pCPU falls.
  [[nodiscard]] const std::vector<uint64_t>& changes() const { return changes_; }
  /// Other points, before anything has run. Priorities are drawn as they would have been.
  void change_at(std::vector<uint64_t> points) { changes_ = std::move(points); }
  [[nodiscard]] bool steers() const override { return true; }
  uint32_t at_point(assay_point kind, uint32_t current, const PcpuSet& ready) override;
  uint32_t at_wait(uint32_t current, const PcpuSet& others) override;
  uint32_t next(uint32_t last, const PcpuSet& ready) override;

 private:
  /// A guest may wait for another by looking, which no point tells: after so many steps in a row it is taken to do so.
  static constexpr uint32_t kStepsInARowMax = 1000;
  /// And after so many before others that were ready, whoever of higher priority came between.
  static constexpr uint32_t kStepsMax = 2000;
  static constexpr int64_t kNotDrawn = 0;

  uint32_t highest(const PcpuSet& of);
  void fall_to_the_bottom(uint32_t pcpu) { priorities_.at(pcpu) = --bottom_; }

  Rng rng_;
  std::vector<uint64_t> changes_;  ///< points; at the i-th of them the priority becomes i + 1
  uint64_t passed_ = 0;            ///< points
  int64_t bottom_ = kNotDrawn;
  uint32_t steps_in_a_row_ = 0;
  std::array<int64_t, ASSAY_PCPUS_MAX> priorities_{};
  std::array<uint32_t, ASSAY_PCPUS_MAX> steps_{};
};

}  // namespace assay
