#include "fuzz/driver/reduce_calls.hpp"

#include <algorithm>

#include "fuzz/sequence/shorten.hpp"

namespace assay::fuzz {
namespace {

/// A race may need more than one attempt.
constexpr unsigned kFirstAttempts = 3;

/// The same call with less in it, plainest first.
std::vector<Call> plainer(const Call& call) {
  std::vector<Call> all;
  const auto add = [&](const auto& change) {
    Call changed = call;
    change(changed);
    if (to_input({changed}) != to_input({call})) all.push_back(changed);
  };
  add([](Call& c) { c.data = {}, c.wide = 0, c.spare = {}; });
  add([](Call& c) { c.data = {}; });
  add([](Call& c) { c.wide = 0; });
  add([](Call& c) { c.spare = {}; });
  for (size_t i = 0; i < kCallArguments; ++i) add([i](Call& c) { c.argument[i] = {}; });
  add([](Call& c) { c.actor = c.actor % 2; });
  add([](Call& c) { c.number = c.number % kCallNumbers; });
  return all;
}

bool simplify(Shortening<Call>& shortening) {
  bool is_simpler = false;
  for (size_t i = 0; i < shortening.shortest().size(); ++i) {
    bool found = true;
    while (found) {
      std::vector<Calls> candidates;
      for (const Call& call : plainer(shortening.shortest()[i])) {
        candidates.push_back(shortening.shortest());
        candidates.back()[i] = call;
      }
      found = shortening.try_all(candidates).has_value();
      is_simpler = is_simpler || found;
    }
  }
  return is_simpler;
}

}  // namespace

Reduced reduce(const Calls& calls, const std::function<bool(const Calls&)>& is_deadly,
               const std::function<bool()>& goes_on) {
  Reduced reduced{calls, 0, false, true};
  while (!reduced.repeats && reduced.tried < kFirstAttempts && goes_on()) {
    ++reduced.tried;
    reduced.repeats = is_deadly(calls);
  }
  if (!reduced.repeats) return reduced;
  const Shortening<Call>::FirstFailing first_deadly = [&](const std::vector<Calls>& candidates) {
    const auto kills = [&](const Calls& candidate) {
      if (!goes_on()) return false;
      ++reduced.tried;
      return is_deadly(candidate);
    };
    return static_cast<size_t>(std::ranges::find_if(candidates, kills) - candidates.begin());
  };
  Shortening<Call> shortening(calls, 1, first_deadly, goes_on);
  while (shortening.take_out() || simplify(shortening)) {
  }
  reduced.calls = shortening.shortest();
  reduced.is_minimal = goes_on();
  return reduced;
}

}  // namespace assay::fuzz
