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

rc::Seq<Sequence> candidates_of(const Sequence& sequence) {
  return rc::seq::concat(rc::shrink::removeChunks(sequence), rc::shrink::eachElement(sequence, simpler));
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

}  // namespace

Shrunk shrink(Sequence failing, size_t batch, const FirstFailing& first_failing, const std::function<bool()>& goes_on) {
  Shrunk shrunk{std::move(failing)};
  for (auto candidates = candidates_of(shrunk.sequence);;) {
    const std::vector<Sequence> tried = take(candidates, batch);
    if (tried.empty()) return shrunk;
    if (!goes_on()) {
      shrunk.is_minimal = false;
      return shrunk;
    }
    const size_t found = first_failing(tried);
    shrunk.tried += tried.size();
    if (found == tried.size()) continue;
    shrunk.sequence = tried[found];
    candidates = candidates_of(shrunk.sequence);
  }
}

}  // namespace assay::fuzz
