#include "sim/scenario/action_times.hpp"

#include <fmt/format.h>

namespace assay::scenario {

ActionTimes action_times(const Scenario& scenario, const Rng& rng) {
  ActionTimes times;
  for (size_t i = 0; i < scenario.actions.size(); ++i) {
    const Action& action = scenario.actions[i];
    if (action.is_random) {
      Rng mine = rng.fork(fmt::format("action {}", i));
      times.emplace(action.from_ns + mine.below(action.until_ns - action.from_ns), &action);
    } else if (action.every_ns == 0) {
      times.emplace(action.from_ns, &action);
    } else {
      for (uint64_t at = action.from_ns; at < action.until_ns; at += action.every_ns) times.emplace(at, &action);
    }
  }
  return times;
}

}  // namespace assay::scenario
