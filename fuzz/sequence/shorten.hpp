/// Makes a sequence that fails shorter, whatever it is a sequence of: chunks that are not needed are taken out.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

namespace assay::fuzz {

template <typename T>
class Shortening {
 public:
  /// Which of some candidates fail: the index of the first, or as many as there are.
  using FirstFailing = std::function<size_t(const std::vector<std::vector<T>>&)>;

  /// `batch` candidates are tried at a time; `goes_on` is asked between batches.
  Shortening(std::vector<T> failing, size_t batch, const FirstFailing& first_failing,
             const std::function<bool()>& goes_on)
      : shortest_(std::move(failing)), batch_(batch), first_failing_(first_failing), goes_on_(goes_on) {}

  [[nodiscard]] const std::vector<T>& shortest() const { return shortest_; }
  /// Candidates so far.
  [[nodiscard]] uint64_t tried() const { return tried_; }
  /// Time was not up yet.
  [[nodiscard]] bool goes_on() const { return goes_; }

  /// Halves first, the front one before the other, then ever smaller chunks. True when something could go.
  bool take_out() {
    const size_t before = shortest_.size();
    for (size_t length = std::max<size_t>(before / 2, 1); length != 0; length /= 2) {
      size_t at = 0;
      while (at < shortest_.size() && goes_) at = take_out_from(at, length);
    }
    return shortest_.size() < before;
  }

  /// The first that fails becomes the sequence.
  std::optional<size_t> try_all(const std::vector<std::vector<T>>& candidates) {
    goes_ = goes_ && goes_on_();
    if (!goes_ || candidates.empty()) return std::nullopt;
    const size_t found = first_failing_(candidates);
    tried_ += candidates.size();
    if (found == candidates.size()) return std::nullopt;
    shortest_ = candidates[found];
    return found;
  }

 private:
  /// Takes out the first of the next chunks that is not needed; returns where to go on.
  size_t take_out_from(size_t at, size_t length) {
    std::vector<std::vector<T>> candidates;
    for (size_t from = at; from < shortest_.size() && candidates.size() < batch_; from += length) {
      candidates.push_back(without(from, length));
      if (candidates.back().empty()) candidates.pop_back();
    }
    const auto found = try_all(candidates);
    return at + found.value_or(std::max<size_t>(candidates.size(), 1)) * length;
  }

  [[nodiscard]] std::vector<T> without(size_t from, size_t length) const {
    std::vector<T> shorter = shortest_;
    const auto first = shorter.begin() + static_cast<ptrdiff_t>(from);
    shorter.erase(first, first + static_cast<ptrdiff_t>(std::min(length, shorter.size() - from)));
    return shorter;
  }

  std::vector<T> shortest_;
  size_t batch_;
  const FirstFailing& first_failing_;
  const std::function<bool()>& goes_on_;
  uint64_t tried_ = 0;
  bool goes_ = true;
};

}  // namespace assay::fuzz
