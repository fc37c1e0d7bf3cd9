#include "sim/engine/interleaving.hpp"

#include <array>
#include <utility>

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

namespace {

Rng rng_of_run(uint64_t number) {
  return Rng(number).fork("steer a run");
}

/// One of eight, as often at one as at many.
uint64_t pace_of_run(uint64_t number, const std::array<uint64_t, 8>& paces) {
  return paces.at(rng_of_run(number).fork("pace").below(paces.size()));
}

Pct pct_by_number(uint64_t number) {
  static constexpr std::array<uint64_t, 8> kPoints{1 << 8,  1 << 10, 1 << 12, 1 << 14,
                                                   1 << 15, 1 << 16, 1 << 18, 1 << 20};
  static constexpr uint64_t kDepths = 4;
  const Rng rng = rng_of_run(number);
  const auto depth = static_cast<uint32_t>(2 + rng.fork("depth").below(kDepths));
  return {rng.fork("priorities"), depth, pace_of_run(number, kPoints)};
}

}  // namespace

RunChoice choice_of_run(uint64_t number) {
  static constexpr std::array<uint64_t, 8> kSwitchOneIn{1, 2, 4, 8, 16, 64, 256, 1024};
  if (!is_steered_run(number)) return {};
  if (number % kWaysOfRuns == 1) return {pct_by_number(number).changes(), std::nullopt};
  return {std::nullopt, pace_of_run(number, kSwitchOneIn)};
}

std::unique_ptr<SchedulePolicy> pct_of_run(uint64_t number, std::vector<uint64_t> changes) {
  auto pct = std::make_unique<Pct>(pct_by_number(number));
  pct->change_at(std::move(changes));
  return pct;
}

std::unique_ptr<SchedulePolicy> walk_of_run(uint64_t number, uint64_t one_in) {
  return std::make_unique<RandomWalk>(rng_of_run(number).fork("walk"), one_in);
}

std::unique_ptr<SchedulePolicy> interleaving_of_run(uint64_t number) {
  const RunChoice choice = choice_of_run(number);
  if (choice.changes) return pct_of_run(number, *choice.changes);
  if (choice.one_in) return walk_of_run(number, *choice.one_in);
  return std::make_unique<NeverSwitch>();
}

}  // namespace assay
