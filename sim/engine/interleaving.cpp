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

std::unique_ptr<SchedulePolicy> interleaving_of_run(uint64_t number) {
  static constexpr std::array<uint64_t, 8> kSwitchOneIn{1, 2, 4, 8, 16, 64, 256, 1024};
  static constexpr std::array<uint64_t, 8> kPoints{1 << 8,  1 << 10, 1 << 12, 1 << 14,
                                                   1 << 15, 1 << 16, 1 << 18, 1 << 20};
  static constexpr uint64_t kDepths = 4;
  const Rng rng = Rng(number).fork("steer a run");
  const uint64_t pace = rng.fork("pace").below(kSwitchOneIn.size());
  switch (number % kWaysOfRuns) {
    case 0:
      return std::make_unique<NeverSwitch>();
    case 1: {
      const auto depth = static_cast<uint32_t>(2 + rng.fork("depth").below(kDepths));
      return std::make_unique<Pct>(rng.fork("priorities"), depth, kPoints.at(pace));
    }
    default:
      return std::make_unique<RandomWalk>(rng.fork("walk"), kSwitchOneIn.at(pace));
  }
}

}  // namespace assay
