#include "sim/engine/interleaving.hpp"

#include <array>

#include "sim/engine/pct.hpp"

namespace assay {

// Short calls need many switches to meet at all, long ones few, so that one gets well into its work before another
// begins. Pct is best where the points that it expects are those that there are: from a send to a batch.
std::unique_ptr<SchedulePolicy> interleaving(uint64_t number) {
  static constexpr std::array<uint64_t, 8> kSwitchOneIn{1, 2, 3, 4, 8, 16, 64, 256};
  static constexpr std::array<uint64_t, 8> kPoints{4, 8, 12, 16, 24, 32, 64, 256};
  const Rng rng = Rng(number).fork("steer");
  const uint64_t pace = rng.fork("pace").below(kSwitchOneIn.size());
  const InterleavingKind kind = kind_of_interleaving(number);
  if (kind == InterleavingKind::kWalk || kind == InterleavingKind::kWalkToo) {
    return std::make_unique<RandomWalk>(rng.fork("walk"), kSwitchOneIn.at(pace));
  }
  const uint32_t depth = kind == InterleavingKind::kPctDepth2 ? 2 : 3;
  return std::make_unique<Pct>(rng.fork("priorities"), depth, kPoints.at(pace));
}

}  // namespace assay
