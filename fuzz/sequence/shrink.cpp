#include "fuzz/sequence/shrink.hpp"

#include <rapidcheck.h>

#include <algorithm>
#include <optional>

namespace assay::fuzz {
namespace {

/// The same operation with one of its choices nearer to 0; a literal stays one.
rc::Seq<Operation> simpler(const Operation& operation) {
  const auto with_argument = [&operation](size_t i) {
    const uint16_t plainest = operation.arg[i] >= kLiteral ? kLiteral : 0;
    return rc::seq::map(rc::shrink::towards<uint16_t>(operation.arg[i], plainest), [operation, i](uint16_t value) {
      Operation changed = operation;
      changed.arg[i] = value;
      return changed;
    });
  };
  const auto actors = rc::seq::map(rc::shrink::towards<uint8_t>(operation.actor, 0), [operation](uint8_t value) {
    Operation changed = operation;
    changed.actor = value;
    return changed;
  });
  return rc::seq::concat(actors, with_argument(0), with_argument(1), with_argument(2));
}

std::vector<Sequence> take(rc::Seq<Sequence>& candidates, size_t count) {
  std::vector<Sequence> taken;
  while (taken.size() < count) {
    auto next = candidates.next();
    if (!next) break;
    if (!next->empty()) taken.push_back(std::move(*next));
  }
  return taken;
}

class Shrinker {
 public:
  Shrinker(Sequence failing, size_t batch, const FirstFailing& first_failing, const std::function<bool()>& goes_on)
      : shrunk_{std::move(failing)}, batch_(batch), first_failing_(first_failing), goes_on_(goes_on) {}

  /// Shorter first, then plainer operation by operation: a plainer one may make another superfluous.
  Shrunk run() {
    while (take_out() || simplify()) {
    }
    return shrunk_;
  }

 private:
  bool take_out() {
    const size_t before = shrunk_.sequence.size();
    for (size_t length = std::max<size_t>(before / 2, 1); length != 0; length /= 2) {
      size_t at = 0;
      while (at < shrunk_.sequence.size() && shrunk_.is_minimal) at = take_out_from(at, length);
    }
    return shrunk_.sequence.size() < before;
  }

  /// Takes out the first of the next chunks that is not needed; returns where to go on.
  size_t take_out_from(size_t at, size_t length) {
    std::vector<Sequence> tried;
    for (size_t from = at; from < shrunk_.sequence.size() && tried.size() < batch_; from += length) {
      tried.push_back(without(from, length));
      if (tried.back().empty()) tried.pop_back();
    }
    const auto found = try_all(tried);
    return at + found.value_or(std::max<size_t>(tried.size(), 1)) * length;
  }

  [[nodiscard]] Sequence without(size_t from, size_t length) const {
    Sequence shorter = shrunk_.sequence;
    const auto first = shorter.begin() + static_cast<ptrdiff_t>(from);
    shorter.erase(first, first + static_cast<ptrdiff_t>(std::min(length, shorter.size() - from)));
    return shorter;
  }

  bool simplify() {
    bool is_simpler = false;
    for (size_t i = 0; i < shrunk_.sequence.size(); ++i) {
      const auto with = [this, i](const Operation& operation) {
        Sequence changed = shrunk_.sequence;
        changed[i] = operation;
        return changed;
      };
      while (improve(rc::seq::map(simpler(shrunk_.sequence[i]), with))) is_simpler = true;
    }
    return is_simpler;
  }

  /// Goes on from the first candidate that fails; false when none does, or time is up.
  bool improve(rc::Seq<Sequence> candidates) {
    for (;;) {
      const std::vector<Sequence> tried = take(candidates, batch_);
      if (tried.empty() || !shrunk_.is_minimal) return false;
      if (try_all(tried)) return true;
    }
  }

  /// The first that fails becomes the sequence.
  std::optional<size_t> try_all(const std::vector<Sequence>& tried) {
    shrunk_.is_minimal = shrunk_.is_minimal && goes_on_();
    if (!shrunk_.is_minimal || tried.empty()) return std::nullopt;
    const size_t found = first_failing_(tried);
    shrunk_.tried += tried.size();
    if (found == tried.size()) return std::nullopt;
    shrunk_.sequence = tried[found];
    return found;
  }

  Shrunk shrunk_;
  size_t batch_;
  const FirstFailing& first_failing_;
  const std::function<bool()>& goes_on_;
};

}  // namespace

Shrunk shrink(Sequence failing, size_t batch, const FirstFailing& first_failing, const std::function<bool()>& goes_on) {
  return Shrinker(std::move(failing), batch, first_failing, goes_on).run();
}

}  // namespace assay::fuzz
