/// Races: two operations at once, which must come out as in one of the two orders of the model.
///
/// A first contender begins a hypercall; while it is under way a second one does something, inside the hypervisor too
/// or in memory, and the number of the interleaving says how the two meet.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/context.hpp"
#include "fuzz/sequence/journal.hpp"
#include "sim/engine/interleaving.hpp"

namespace assay::fuzz {

/// What the contenders answer.
using RaceResults = std::array<int64_t, 2>;

/// One way that a race may come out.
template <typename Model>
struct RaceOutcome {
  Model model;
  RaceResults results{};
};
template <typename Model>
using RaceOutcomes = std::vector<RaceOutcome<Model>>;

/// Forward and backward. `first` and `second` do what they do to a model, and answer.
template <typename Model, typename First, typename Second>
RaceOutcomes<Model> both_orders(const Model& before, First first, Second second) {
  RaceOutcomes<Model> outcomes(2, {before});
  RaceOutcome<Model>& forward = outcomes[0];
  RaceOutcome<Model>& backward = outcomes[1];
  forward.results[0] = first(forward.model);
  forward.results[1] = second(forward.model);
  backward.results[1] = second(backward.model);
  backward.results[0] = first(backward.model);
  return outcomes;
}

/// One operation, whose argument is changed while it is under way: all of it counts as it was at one moment.
template <typename Model, typename Given, typename Changed>
RaceOutcomes<Model> either_argument(const Model& before, Given given, Changed changed) {
  RaceOutcomes<Model> outcomes(2, {before});
  outcomes[0].results[0] = given(outcomes[0].model);
  outcomes[1].results[0] = changed(outcomes[1].model);
  return outcomes;
}

/// Makes `model` the outcome that has these results and `shows`, a question about a model, agrees with. False when
/// there is none: then it is the first one, and the results are in the journal if they are those of no outcome.
template <typename Model, typename Shows>
bool settle(Journal& journal, Model& model, const RaceOutcomes<Model>& outcomes, const RaceResults& actual,
            Shows shows) {
  bool are_possible = false;
  for (const RaceOutcome<Model>& outcome : outcomes) {
    if (outcome.results != actual) continue;
    are_possible = true;
    model = outcome.model;
    if (shows(model)) return true;
  }
  if (!are_possible) model = outcomes.front().model;
  const auto any_of_them = [&] {
    std::string text;
    for (const RaceOutcome<Model>& outcome : outcomes) {
      text += fmt::format("{}(first == {} && second == {})", text.empty() ? "" : " || ", outcome.results[0],
                          outcome.results[1]);
    }
    return text;
  };
  journal.seen_as(0, are_possible, "true", fmt::format("first {} and second {}", actual[0], actual[1]), any_of_them);
  return false;
}

/// Of an operation's choice. The smaller it is, the fewer switches: so shrinking makes interleavings plainer, too.
constexpr uint16_t kInterleavings = 256;
constexpr uint64_t interleaving_of(uint16_t choice) {
  constexpr uint64_t kOfEachKind = kInterleavings / kInterleavingKinds;
  const uint64_t index = choice % kInterleavings;
  return kInterleavingKinds * (1 + index % kOfEachKind) + index / kOfEachKind;
}

/// Who takes part in races: vCPUs of two domains, each with a place for the argument of a hypercall.
class RaceTrack {
 public:
  static constexpr uint32_t kVcpus = 2;
  struct Racer {
    size_t domain;  ///< 0 or 1
    uint32_t vcpu;
    friend bool operator==(const Racer&, const Racer&) = default;
  };
  /// Of a racer, with its argument in place: number(command, argument, count), or number(argument) without a command.
  struct Call {
    Racer by;
    uint32_t number;
    std::optional<uint64_t> command;
    uint64_t count = 1;
  };
  /// `name`: of the second domain, as a case writes it.
  RaceTrack(CaseContext& context, Domain& first, Domain& second, std::string_view name);
  /// What a generated case begins with.
  static std::string prologue(std::string_view name);

  [[nodiscard]] Vcpu& vcpu(const Racer& racer) const { return domains_.at(racer.domain)->vcpu(racer.vcpu); }
  [[nodiscard]] Gva argument(const Racer& racer) const {
    return arguments_.at(racer.domain) + racer.vcpu * kArgumentBytes;
  }
  [[nodiscard]] std::string name_of(const Racer& racer) const;
  [[nodiscard]] static std::string argument_name(const Racer& racer);

  /// The argument of its next call; `expression` makes the C++ expression of `value`.
  template <typename T, typename Make>
  void put(Journal& journal, const Racer& racer, const T& value, Make expression) const {
    static_assert(sizeof(T) <= kArgumentBytes);
    vcpu(racer).write(argument(racer), value);
    journal.did([&] { return fmt::format("{}.write({}, {});", name_of(racer), argument_name(racer), expression()); });
  }
  /// Two calls at once; their results.
  RaceResults race(Journal& journal, uint64_t number, const Call& first, const Call& second) const;
  /// A call, and a write of the other racer into memory.
  template <typename T, typename Make>
  RaceResults race_with_write(Journal& journal, uint64_t number, const Call& first, const Racer& second, Gva at,
                              const T& value, Make expressions) const {
    const int64_t result = run(number, first, [&] { vcpu(second).write(at, value); });
    journal.did([&] { return code_of(number, first, fmt::format("{}.write({})", name_of(second), expressions())); });
    return {result, 0};
  }

 private:
  static constexpr uint64_t kArgumentBytes = 512;
  int64_t run(uint64_t number, const Call& first, const std::function<void()>& meanwhile) const;
  [[nodiscard]] std::string text_of(const Call& call) const;
  [[nodiscard]] std::string code_of(uint64_t number, const Call& first, const std::string& meanwhile) const;

  CaseContext* context_;
  std::array<Domain*, 2> domains_;
  std::string_view name_;
  std::array<Gva, 2> arguments_;
};

}  // namespace assay::fuzz
