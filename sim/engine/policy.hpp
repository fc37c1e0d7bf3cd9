/// Who goes on at a scheduling point: the choice that makes races inside a core happen, by seed.
#pragma once

#include <cstdint>

#include "sim/engine/pcpu_set.hpp"
#include "sim/engine/rng.hpp"
#include "sim/port/port.h"

namespace assay {

class SchedulePolicy {
 public:
  virtual ~SchedulePolicy() = default;
  /// False: at_point is never asked (the fast path), pCPUs only alternate between exits.
  [[nodiscard]] virtual bool steers() const = 0;
  /// `current` is in the core at a point of `kind`. Returns the pCPU to go on with: `current` or a member of `ready`.
  virtual uint32_t at_point(assay_point kind, uint32_t current, const PcpuSet& ready) = 0;
  /// `current` cannot go on before another pCPU has: which member of `others` (not empty, without it) does.
  virtual uint32_t at_wait(uint32_t current, const PcpuSet& others) { return next(current, others); }
  /// Which member of `ready` (not empty) takes the next step; `last` took the one before.
  virtual uint32_t next(uint32_t last, const PcpuSet& ready) = 0;
};

/// Never switches inside the core; between exits, round robin.
class NeverSwitch final : public SchedulePolicy {
 public:
  [[nodiscard]] bool steers() const override { return false; }
  uint32_t at_point(assay_point, uint32_t current, const PcpuSet&) override { return current; }
  uint32_t next(uint32_t last, const PcpuSet& ready) override { return ready.after(last); }
};

/// Goes to a random ready pCPU at one point in `one_in` on average, and after each exit.
class RandomWalk final : public SchedulePolicy {
 public:
  RandomWalk(const Rng& rng, uint64_t one_in) : rng_(rng), one_in_(one_in) {}
  [[nodiscard]] bool steers() const override { return true; }
  uint32_t at_point(assay_point kind, uint32_t current, const PcpuSet& ready) override;
  uint32_t next(uint32_t last, const PcpuSet& ready) override;

 private:
  Rng rng_;
  uint64_t one_in_;
};

}  // namespace assay
