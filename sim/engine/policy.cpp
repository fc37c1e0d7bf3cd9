#include "sim/engine/policy.hpp"

namespace assay {

uint32_t RandomWalk::at_point(assay_point, uint32_t current, const PcpuSet& ready) {
  if (!rng_.one_in(one_in_)) return current;
  return next(current, ready);
}

uint32_t RandomWalk::next(uint32_t, const PcpuSet& ready) {
  return ready.nth(static_cast<uint32_t>(rng_.below(ready.count())));
}

}  // namespace assay
