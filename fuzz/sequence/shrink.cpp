#include "fuzz/sequence/shrink.hpp"

#include <rapidcheck.h>

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
      : shortening_(std::move(failing), batch, first_failing, goes_on), batch_(batch) {}

  /// Shorter first, then plainer operation by operation: a plainer one may make another superfluous.
  Shrunk run() {
    while (shortening_.take_out() || simplify()) {
    }
    return {shortening_.shortest(), shortening_.tried(), shortening_.goes_on()};
  }

 private:
  bool simplify() {
    bool is_simpler = false;
    for (size_t i = 0; i < shortening_.shortest().size(); ++i) {
      const auto with = [this, i](const Operation& operation) {
        Sequence changed = shortening_.shortest();
        changed[i] = operation;
        return changed;
      };
      while (improve(rc::seq::map(simpler(shortening_.shortest()[i]), with))) is_simpler = true;
    }
    return is_simpler;
  }

  /// Goes on from the first candidate that fails; false when none does, or time is up.
  bool improve(rc::Seq<Sequence> candidates) {
    for (;;) {
      const std::vector<Sequence> tried = take(candidates, batch_);
      if (tried.empty() || !shortening_.goes_on()) return false;
      if (shortening_.try_all(tried)) return true;
    }
  }

  Shortening<Operation> shortening_;
  size_t batch_;
};

}  // namespace

Shrunk shrink(Sequence failing, size_t batch, const FirstFailing& first_failing, const std::function<bool()>& goes_on) {
  return Shrinker(std::move(failing), batch, first_failing, goes_on).run();
}

}  // namespace assay::fuzz
