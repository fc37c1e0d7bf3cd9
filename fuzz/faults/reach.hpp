/// Which of a detector's tasks come by which place of a planted fault. All that is played is deterministic: a task that
/// does not come by the place on the core without a fault plays out the same with it, and need not be played.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace assay {

class Reach {
 public:
  /// Tasks that nobody has told of come by every place.
  explicit Reach(size_t tasks = 0) : places_of_(tasks) {}

  /// `places`: Target::places_met.
  void note(size_t task, std::vector<uint32_t> places) { places_of_[task] = std::move(places); }
  /// Of each task, as the runner has it.
  template <typename Result>
  void learn(const std::vector<std::optional<Result>>& results) {
    for (size_t i = 0; i < results.size(); ++i) {
      if (results[i]) note(i, results[i]->places_met);
    }
  }

  /// Those to play when the core is changed at `place`, ascending; nothing: it may be changed anywhere.
  [[nodiscard]] std::vector<size_t> tasks(std::optional<uint32_t> place) const {
    std::vector<size_t> all(places_of_.size());
    std::iota(all.begin(), all.end(), size_t{0});
    if (place) std::erase_if(all, [&](size_t task) { return !comes_by(task, *place); });
    return all;
  }

 private:
  [[nodiscard]] bool comes_by(size_t task, uint32_t place) const {
    return !places_of_[task] || std::ranges::count(*places_of_[task], place) != 0;
  }

  std::vector<std::optional<std::vector<uint32_t>>> places_of_;
};

/// `all[i]` for each of `indexes`.
template <typename T>
std::vector<T> pick(const std::vector<T>& all, const std::vector<size_t>& indexes) {
  std::vector<T> some;
  some.reserve(indexes.size());
  for (const size_t index : indexes) some.push_back(all[index]);
  return some;
}

}  // namespace assay
